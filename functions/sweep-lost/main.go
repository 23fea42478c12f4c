// Command sweep-lost starts what no event started, and winds up what no event wound up.
package main

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/sweeplost"
)

func main() { lambdahandler.Start(sweeplost.New) }
