package wire

import "regexp"

var roleARN = regexp.MustCompile(`^arn:aws[a-z0-9-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}$`)

// IsRoleARN reports whether a text has the form of a role's ARN.
func IsRoleARN(text string) bool { return roleARN.MatchString(text) }
