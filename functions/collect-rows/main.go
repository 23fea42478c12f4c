// Command collect-rows finds out what became of each row of an attempt.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/importjob"
)

func main() { lambdahandler.Start(importjob.NewCollect) }
