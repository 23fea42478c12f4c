// Command start-import-job starts an attempt's job.
package main

import (
	"userdrop/internal/function"
	"userdrop/internal/importjob"
)

func main() { function.Start(importjob.NewStart) }
