// Command create-import-job creates an attempt's Cognito import job, or adopts it.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/createimportjob"
)

func main() { lambdahandler.Start(createimportjob.New) }
