// Command prepare-import checks a drop against its pool and writes parts in Cognito's dialect.
package main

import (
	"userdrop/internal/function"
	"userdrop/internal/prepare"
)

func main() { function.Start(prepare.New) }
