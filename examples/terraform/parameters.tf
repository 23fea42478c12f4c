# Written by tools/terraform from template.yaml.

locals {
  parameters = {
    UserPoolArns         = join(",", var.user_pool_arns)
    DefaultUserPoolId    = var.default_user_pool_id
    AssumeVerified       = var.assume_verified
    DefaultPhoneCountry  = var.default_phone_country
    DateOrder            = var.date_order
    NullText             = var.null_text
    IgnoreColumns        = var.ignore_columns
    IdColumn             = var.id_column
    Mapping              = var.mapping
    MaxRejectedPercent   = tostring(var.max_rejected_percent)
    CheckExistingUsers   = tostring(var.check_existing_users)
    Existing             = var.existing
    UserMap              = tostring(var.user_map)
    ApplyGroups          = tostring(var.apply_groups)
    CreateGroups         = tostring(var.create_groups)
    ApplyRate            = tostring(var.apply_rate)
    ScheduleExpression   = var.schedule_expression
    ScheduleTimezone     = var.schedule_timezone
    ImportWindow         = var.import_window
    MaxImportDays        = var.max_import_days
    MaxWaitForOthersDays = tostring(var.max_wait_for_others_days)
    NotificationEmail    = var.notification_email
    GatherSeconds        = tostring(var.gather_seconds)
    ReservedConcurrency  = tostring(var.reserved_concurrency)
    AlarmAfterHours      = tostring(var.alarm_after_hours)
    KmsKeyArn            = var.kms_key_arn
    KeepProcessedDays    = tostring(var.keep_processed_days)
    LogRetentionDays     = tostring(var.log_retention_days)
    Architecture         = var.architecture
  }
}
