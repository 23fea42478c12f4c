// Command sweep-scheduled imports what waits under scheduled/.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/sweepscheduled"
)

func main() { lambdahandler.Start(sweepscheduled.New) }
