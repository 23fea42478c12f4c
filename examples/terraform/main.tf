# userdrop as a Terraform module: the packaged template of a release, deployed as a CloudFormation stack.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "stack_name" {
  description = "The name of the CloudFormation stack."
  type        = string
  default     = "userdrop"
}

variable "template_url" {
  description = "The https address in S3 of the template that \"aws cloudformation package\" wrote; see README.md."
  type        = string
}

variable "tags" {
  description = "Tags of the stack and of what it holds."
  type        = map(string)
  default     = {}
}

resource "aws_cloudformation_stack" "userdrop" {
  name         = var.stack_name
  template_url = var.template_url
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
  parameters   = local.parameters
  tags         = var.tags

  timeouts {
    create = "60m"
    update = "60m"
    delete = "60m"
  }
}
