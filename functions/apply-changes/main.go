// Command apply-changes applies memberships of groups and states of users after their import.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/applychanges"
)

func main() { lambdahandler.Start(applychanges.New) }
