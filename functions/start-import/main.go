// Command start-import turns an S3 event into one execution of import-users.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/startimport"
)

func main() { lambdahandler.Start(startimport.New) }
