// Command copy-to-import-job streams a part to its job's upload URL.
package main

import (
	"userdrop/internal/function"
	"userdrop/internal/importjob"
)

func main() { function.Start(importjob.NewCopy) }
