// Command prepare-import checks a drop against its pool and writes parts in Cognito's dialect.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/prepareimport"
)

func main() { lambdahandler.Start(prepareimport.New) }
