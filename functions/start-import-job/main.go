// Command start-import-job starts an attempt's job.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/startimportjob"
)

func main() { lambdahandler.Start(startimportjob.New) }
