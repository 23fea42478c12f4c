// Command sweep-scheduled imports what waits under scheduled/.
package main

import (
	"userdrop/internal/function"
	"userdrop/internal/intake"
)

func main() { function.Start(intake.NewSweepScheduled) }
