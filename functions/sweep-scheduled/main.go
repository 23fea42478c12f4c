// Command sweep-scheduled imports what waits under scheduled/.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/intake"
)

func main() { lambdahandler.Start(intake.NewSweepScheduled) }
