// Command await-turn lets the oldest part go once no import job is active.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/awaitturn"
)

func main() { lambdahandler.Start(awaitturn.New) }
