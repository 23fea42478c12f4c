package stepfunctions_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"userdrop/localaws/stepfunctions"
	"userdrop/localaws/wire"
)

// only is a principal that may do what is listed: an action, a space and a resource each.
type only []string

func (only) ARN() string { return "arn:aws:sts::111122223333:assumed-role/machine/session" }

func (o only) Allows(action, resource string, _ map[string]string) bool {
	return slices.Contains(o, action+" "+resource)
}

func TestTheMachineActsAsItsRole(t *testing.T) {
	const states, events = "arn:aws:states:eu-central-1:111122223333:", "arn:aws:events:eu-central-1:111122223333:"
	nested := only{
		"states:StartExecution " + states + "stateMachine:inner",
		"states:DescribeExecution " + states + "execution:inner:child",
		"states:StopExecution " + states + "execution:inner:child",
		"events:PutTargets " + events + "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
		"events:PutRule " + events + "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
		"events:DescribeRule " + events + "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
	}
	tests := map[string]struct {
		definition string
		allowed    only
		want       string // the status and error of the execution, or the error of creating the machine
	}{
		"may call the function": {
			one(`{"Type":"Task","Resource":"fn:f","End":true}`),
			only{"lambda:InvokeFunction " + functionPrefix + "f"},
			"SUCCEEDED ",
		},
		"may call another": {
			one(`{"Type":"Task","Resource":"fn:f","End":true}`),
			only{"lambda:InvokeFunction " + functionPrefix + "g"},
			"FAILED Lambda.AWSLambdaException",
		},
		"may nest":      {nest, nested, "SUCCEEDED "},
		"may not start": {nest, nested[1:], "FAILED StepFunctions.AWSStepFunctionsException"},
		"may not stop": {
			nest, slices.Concat(nested[:2], nested[3:]), "FAILED StepFunctions.AWSStepFunctionsException",
		},
		"may not use the rule": {nest, nested[:5], "AccessDeniedException"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stepfunctions.New(account(), stepfunctions.Options{
					Invoke: functions{"f": func(int, string) stepfunctions.Invocation { return answer(`{}`) }}.invoke(),
					Role:   func(string) wire.Principal { return test.allowed },
				})
				defer s.Close()
				create(t, s, "inner", succeeds)
				arn, err := s.CreateStateMachine(t.Context(), stepfunctions.Machine{
					Name: "m", RoleARN: role,
					Definition: []byte(strings.ReplaceAll(test.definition, "fn:", functionPrefix)),
				})
				got := code(err)
				if err == nil {
					x := wait(t, s, start(t, s, arn, "e", "").ARN)
					got = x.Status + " " + x.Error
				}
				if got != test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
			})
		})
	}
}

func TestCallersAreAuthorized(t *testing.T) {
	const states = "arn:aws:states:eu-central-1:111122223333:"
	calls := map[string]func(ctx context.Context, s *stepfunctions.Service) error{
		"states:StartExecution " + states + "stateMachine:m": func(ctx context.Context, s *stepfunctions.Service) error {
			_, err := s.StartExecution(ctx, stepfunctions.StartInput{MachineARN: states + "stateMachine:m"})
			return err
		},
		"states:DescribeExecution " + states + "execution:m:e": func(ctx context.Context, s *stepfunctions.Service) error {
			_, err := s.DescribeExecution(ctx, states+"execution:m:e")
			return err
		},
		"states:StopExecution " + states + "execution:m:e": func(ctx context.Context, s *stepfunctions.Service) error {
			_, err := s.StopExecution(ctx, states+"execution:m:e", "", "")
			return err
		},
		"states:GetExecutionHistory " + states + "execution:m:e": func(ctx context.Context, s *stepfunctions.Service) error {
			_, err := s.History(ctx, states+"execution:m:e")
			return err
		},
		"states:RedriveExecution " + states + "execution:m:e": func(ctx context.Context, s *stepfunctions.Service) error {
			_, err := s.RedriveExecution(ctx, states+"execution:m:e")
			return err
		},
	}
	for permission, call := range calls {
		t.Run(permission, func(t *testing.T) {
			s := stepfunctions.New(account(), stepfunctions.Options{})
			defer s.Close()
			wait(t, s, start(t, s, create(t, s, "m", one(`{"Type":"Fail"}`)), "e", "").ARN)
			if err := call(wire.WithPrincipal(t.Context(), only{permission}), s); err != nil {
				t.Errorf("allowed: %v", err)
			}
			if err := call(wire.WithPrincipal(t.Context(), only{}), s); code(err) != "AccessDeniedException" {
				t.Errorf("not allowed: %v", err)
			}
		})
	}
}
