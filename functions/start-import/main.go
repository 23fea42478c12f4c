// Command start-import turns an S3 event into one execution of import-users.
package main

import (
	"userdrop/internal/function"
	"userdrop/internal/intake"
)

func main() { function.Start(intake.NewStartImport) }
