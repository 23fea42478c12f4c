// Command collect-rows finds out what became of each row of an attempt.
package main

import (
	"userdrop/internal/function"
	"userdrop/internal/importjob"
)

func main() { function.Start(importjob.NewCollect) }
