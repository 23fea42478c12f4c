// Command publish-result publishes the one result of a drop.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/publishresult"
)

func main() { lambdahandler.Start(publishresult.New) }
