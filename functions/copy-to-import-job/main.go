// Command copy-to-import-job streams a part to its job's upload URL.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/copytoimportjob"
)

func main() { lambdahandler.Start(copytoimportjob.New) }
