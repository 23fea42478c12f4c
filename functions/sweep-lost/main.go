// Command sweep-lost starts what no event started, and winds up what no event wound up.
package main

import (
	"userdrop/internal/function"
	"userdrop/internal/intake"
)

func main() { function.Start(intake.NewSweepLost) }
