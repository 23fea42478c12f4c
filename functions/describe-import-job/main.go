// Command describe-import-job looks at an attempt's job.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/describeimportjob"
)

func main() { lambdahandler.Start(describeimportjob.New) }
