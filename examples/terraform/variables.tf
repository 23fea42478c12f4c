# Written by tools/terraform from template.yaml.

variable "user_pool_arns" {
  description = "ARNs of the user pools that this stack may import into, separated by commas, up to 40. The functions' permissions are for these pools alone."
  type        = list(string)
}

variable "default_user_pool_id" {
  description = "The pool for files directly under incoming/, by id. Empty - such files are rejected."
  type        = string
  default     = ""
}

variable "assume_verified" {
  description = "Which addresses count as verified in a file without the column that would say so. Set it only for addresses that somebody has verified; a user with a verified address can reset the password by it."
  type        = string
  default     = "none"
}

variable "default_phone_country" {
  description = "The country of phone numbers without a country code, as two letters (ISO 3166). Empty - such are rejected."
  type        = string
  default     = ""
}

variable "date_order" {
  description = "How a birthdate such as 03/04/1985 is read. auto reads month first, and refuses a file whose other dates have the day first."
  type        = string
  default     = "auto"
}

variable "null_text" {
  description = "Texts that mean a blank cell, separated by commas, such as NULL,None. Empty - none."
  type        = string
  default     = ""
}

variable "ignore_columns" {
  description = "Names of columns that are left out, separated by commas. * leaves out all unknown columns, but for those that say who is shut out."
  type        = string
  default     = ""
}

variable "id_column" {
  description = "The column of old ids, which come back in users.csv and go nowhere else. Empty - none."
  type        = string
  default     = ""
}

variable "mapping" {
  description = "The product whose CSV exports are dropped as they are. Empty - the files have the user pool's columns, or a mapping of their own."
  type        = string
  default     = ""
}

variable "max_rejected_percent" {
  description = "A drop of which more rows than this are rejected is refused as a whole. 100 - never."
  type        = number
  default     = 100
}

variable "check_existing_users" {
  description = "Whether a dry run (a file under check/) also looks which users exist already."
  type        = bool
  default     = false
}

variable "existing" {
  description = "What becomes of rows whose users exist. skip - they stay as they are. fail - the rows are rejected. update - what differs is changed after the import, and only new users go into import jobs; a drop's manifest may then ask for any of the three. Cognito counts each updated user as active in that month."
  type        = string
  default     = "skip"
}

variable "user_map" {
  description = "Whether each result has a users.csv with the sub that Cognito gave each user, beside the cell of IdColumn."
  type        = bool
  default     = false
}

variable "apply_groups" {
  description = "Whether the columns groups and enabled are applied after the import. false - a file with such a column is refused, and the stack has no permission to change users."
  type        = bool
  default     = false
}

variable "create_groups" {
  description = "Whether groups that the pool does not have are created. false - their rows are rejected."
  type        = bool
  default     = false
}

variable "apply_rate" {
  description = "Changes of users a second after an import. Your account has 25 for all pools, which your applications share."
  type        = number
  default     = 12
}

variable "schedule_expression" {
  description = "When files under scheduled/ are imported, as an EventBridge Scheduler expression."
  type        = string
  default     = "cron(0 2 * * ? *)"
}

variable "schedule_timezone" {
  description = "The time zone of ScheduleExpression, such as Europe/Berlin."
  type        = string
  default     = "UTC"
}

variable "import_window" {
  description = "When jobs may start, as HH:MM-HH:MM in ScheduleTimezone, since nobody can change a pool while a job runs. A part in hand is finished. Empty - always."
  type        = string
  default     = ""
}

variable "max_import_days" {
  description = "How long a part may wait and run. The inbox and the work bucket keep their objects for 30 days more."
  type        = string
  default     = "90"
}

variable "max_wait_for_others_days" {
  description = "How long to go on asking while Cognito refuses to start a job, since another one of the account runs."
  type        = number
  default     = 14
}

variable "notification_email" {
  description = "An address that gets every result and every alarm by mail. Empty - subscribe to the topics yourself."
  type        = string
  default     = ""
}

variable "gather_seconds" {
  description = "How long a file under incoming/ waits for others of its pool, so that they share import jobs, of which a pool has 1,000 for life; each file still has its own part of the result. EventBridge Scheduler adds up to a minute. 0 - each file is imported at once, on its own."
  type        = number
  default     = 0
}

variable "reserved_concurrency" {
  description = "How many files at once may be taken in, and how many prepared. A flood of drops then waits, instead of taking the account's Lambda concurrency from other functions, such as those of your sign-in. It is reserved twice and comes out of the account's limit, of which Lambda keeps 100. 0 - do not reserve; in an account whose limit is below 120 it must be 0."
  type        = number
  default     = 10
}

variable "alarm_after_hours" {
  description = "An import that is under way for more hours than this raises an alarm."
  type        = number
  default     = 24
}

variable "kms_key_arn" {
  description = "A customer managed key for buckets, topics, queues, logs and executions. Its policy must let the services in; see docs/operations.md. Empty - keys that AWS owns or manages."
  type        = string
  default     = ""
}

variable "keep_processed_days" {
  description = "How long imported files and results are kept. They hold personal data. The hourly sweep looks a week back for imports without a result, so it must be more."
  type        = number
  default     = 30
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
}

variable "architecture" {
  description = "What the functions are built for; arm64 costs less. `sam build` takes it by --parameter-overrides. With x86_64 `sam local invoke` runs them on Intel processors."
  type        = string
  default     = "arm64"
}
