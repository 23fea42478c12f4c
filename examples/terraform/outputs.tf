# Written by tools/terraform from template.yaml.

output "inbox_bucket" {
  description = "Drop files here, under incoming/<user pool id>/, check/<user pool id>/ or scheduled/<user pool id>/."
  value       = aws_cloudformation_stack.userdrop.outputs["InboxBucket"]
}

output "results_bucket" {
  description = "Results are here, under the import id."
  value       = aws_cloudformation_stack.userdrop.outputs["ResultsBucket"]
}

output "work_bucket" {
  description = "Imports under way keep their parts here."
  value       = aws_cloudformation_stack.userdrop.outputs["WorkBucket"]
}

output "result_topic_arn" {
  description = "Every result is published to this topic."
  value       = aws_cloudformation_stack.userdrop.outputs["ResultTopicArn"]
}

output "alarm_topic_arn" {
  description = "Alarms are published to this topic."
  value       = aws_cloudformation_stack.userdrop.outputs["AlarmTopicArn"]
}

output "failure_queue_url" {
  description = "Events and invocations that failed for good."
  value       = aws_cloudformation_stack.userdrop.outputs["FailureQueueUrl"]
}

output "import_users_state_machine_arn" {
  description = "One execution for each drop."
  value       = aws_cloudformation_stack.userdrop.outputs["ImportUsersStateMachineArn"]
}

output "import_job_state_machine_arn" {
  description = "Its running executions are the queue."
  value       = aws_cloudformation_stack.userdrop.outputs["ImportJobStateMachineArn"]
}

output "apply_changes_state_machine_arn" {
  description = "Its running executions are the queue of changes after the import."
  value       = aws_cloudformation_stack.userdrop.outputs["ApplyChangesStateMachineArn"]
}

output "import_logs_role_arn" {
  description = "Cognito writes the logs of import jobs with it. userdrop probe can use it too."
  value       = aws_cloudformation_stack.userdrop.outputs["ImportLogsRoleArn"]
}

output "abort_import_state_machine_arn" {
  description = "Winds up what was broken off."
  value       = aws_cloudformation_stack.userdrop.outputs["AbortImportStateMachineArn"]
}
