// Command collect-rows finds out what became of each row of an attempt.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/collectrows"
)

func main() { lambdahandler.Start(collectrows.New) }
