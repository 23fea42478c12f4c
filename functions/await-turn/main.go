// Command await-turn lets the oldest part go once no import job is active.
package main

import (
	"userdrop/internal/function"
	"userdrop/internal/queue"
)

func main() { function.Start(queue.NewAwaitTurn) }
