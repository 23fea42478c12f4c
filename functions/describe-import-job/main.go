// Command describe-import-job looks at an attempt's job.
package main

import (
	"userdrop/internal/function"
	"userdrop/internal/importjob"
)

func main() { function.Start(importjob.NewDescribe) }
