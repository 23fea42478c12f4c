package stepfunctions_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"userdrop/localaws/stepfunctions"
	"userdrop/localaws/wire"
)

func account() *wire.Account {
	return &wire.Account{ID: "111122223333", Region: "eu-central-1", IDs: wire.NewIDs(1)}
}

// functions are Lambda functions by name: each gets the number of its call, from 1, and its payload.
type functions map[string]func(call int, payload string) stepfunctions.Invocation

func answer(payload string) stepfunctions.Invocation {
	return stepfunctions.Invocation{Payload: []byte(payload)}
}

func fails(name string) stepfunctions.Invocation {
	return stepfunctions.Invocation{
		FunctionError: "Unhandled", Payload: fmt.Appendf(nil, `{"errorType":%q,"errorMessage":"no"}`, name),
	}
}

// invoke plays the functions.
func (f functions) invoke() func(context.Context, string, []byte) stepfunctions.Invocation {
	var mu sync.Mutex
	calls := map[string]int{}
	return func(_ context.Context, arn string, payload []byte) stepfunctions.Invocation {
		name := strings.TrimPrefix(arn, functionPrefix)
		mu.Lock()
		calls[name]++
		call := calls[name]
		mu.Unlock()
		return f[name](call, string(payload))
	}
}

func create(t *testing.T, s *stepfunctions.Service, name, definition string) (arn string) {
	t.Helper()
	definition = strings.ReplaceAll(definition, "fn:", functionPrefix)
	arn, err := s.CreateStateMachine(t.Context(), stepfunctions.Machine{
		Name: name, Definition: []byte(definition), RoleARN: role,
	})
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

func start(t *testing.T, s *stepfunctions.Service, machine, name, input string) stepfunctions.Execution {
	t.Helper()
	x, err := s.StartExecution(t.Context(), stepfunctions.StartInput{MachineARN: machine, Name: name, Input: input})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func wait(t *testing.T, s *stepfunctions.Service, arn string) stepfunctions.Execution {
	t.Helper()
	x, err := s.Wait(t.Context(), arn)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// eventTypes is the history in brief: the types of the events, one space between two.
func eventTypes(t *testing.T, s *stepfunctions.Service, arn string) string {
	t.Helper()
	history, err := s.History(t.Context(), arn)
	if err != nil {
		t.Fatal(err)
	}
	types := make([]string, len(history))
	for i, e := range history {
		types[i] = e.Type
		if e.ID != int64(i+1) {
			t.Errorf("event %d has the id %d", i+1, e.ID)
		}
		if i > 0 && e.PreviousID >= e.ID {
			t.Errorf("event %d follows event %d", e.ID, e.PreviousID)
		}
	}
	return strings.Join(types, " ")
}

// one is a machine of one state, X.
func one(state string) string { return `{"StartAt":"X","States":{"X":` + state + `}}` }

// outcome is what a table expects of an execution.
type outcome struct {
	Status, Output, Error, Cause string
	States                       string // entered, one space between two
}

const (
	functionPrefix = "arn:aws:lambda:eu-central-1:111122223333:function:"
	role           = "arn:aws:iam::111122223333:role/machine"
)
