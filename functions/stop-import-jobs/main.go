// Command stop-import-jobs ends what an import that is over left at work.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/stopimportjobs"
)

func main() { lambdahandler.Start(stopimportjobs.New) }
