// Command publish-result publishes the one result of a drop.
package main

import (
	"userdrop/internal/function"
	"userdrop/internal/publish"
)

func main() { function.Start(publish.New) }
