// Command stop-import-jobs ends what an import that is over left at work.
package main

import (
	"userdrop/internal/function"
	"userdrop/internal/importjob"
)

func main() { function.Start(importjob.NewStop) }
