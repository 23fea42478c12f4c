// Command create-import-job creates an attempt's Cognito import job, or adopts it.
package main

import (
	"userdrop/internal/function"
	"userdrop/internal/importjob"
)

func main() { function.Start(importjob.NewCreate) }
