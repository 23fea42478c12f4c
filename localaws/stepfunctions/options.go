package stepfunctions

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"userdrop/localaws/wire"
)

// Options are what a Service needs of the other services, and its faults. All are optional but Invoke, which is for
// machines that have Lambda tasks.
type Options struct {
	// Invoke calls a function and waits for it. The context carries the machine's role; it ends when the service is
	// closed, but not when the execution is stopped or the task times out, since Lambda goes on then.
	Invoke func(ctx context.Context, functionARN string, payload []byte) Invocation
	// Role finds the principal that a machine acts as. A nil one, and none at all, may do everything.
	Role func(roleARN string) wire.Principal
	// Assume returns an error unless Step Functions may assume a role for a machine.
	Assume func(roleARN, machineARN string) error
	// Events receives each change of an execution's status. Delivery is best effort at AWS: a fault drops it here.
	Events wire.Sink
	// ListDelay is how long the change number n (0 is the start) of an execution's status stays hidden from
	// ListExecutions, which is eventually consistent.
	ListDelay func(executionARN string, n int) time.Duration
	// StopChild reports whether stopping a nested execution with its parent, which is best effort, works this time.
	StopChild func(executionARN string) bool
	// Latency is how long an execution takes over its step number n before anybody sees it; key is the execution's
	// name with its machine's and, in a Map, the item's index. See HashedLatency.
	Latency func(key string, n int) time.Duration
	// OnTransition receives each state transition, as Step Functions bills them.
	OnTransition func(Transition)
}

// Transition is a state that was entered or retried.
type Transition struct {
	ExecutionARN string
	State        string
	Retry        bool
	Events       int // in the history so far
}

// Invocation is what became of a call of a Lambda function.
type Invocation struct {
	Payload       []byte // the answer, or a function error's payload
	FunctionError string // "Handled" or "Unhandled"; empty is success
	Err           error  // the call itself was refused: a *wire.Error such as TooManyRequestsException
}

// HashedLatency is between 1 and 50 ms, and differs between any two keys and steps, so that under virtual time no two
// executions act at the same instant, and which goroutine runs first does not matter.
func HashedLatency(key string, n int) time.Duration {
	return time.Millisecond + time.Duration(hash(key, n)%uint64(49*time.Millisecond))
}

func hash(key string, n int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s#%d", key, n)
	// The last bytes of FNV hardly reach the high bits: mix as splitmix64 does.
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
