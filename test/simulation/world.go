// Package simulation runs the whole of userdrop, the template, the definitions, the handlers and the SDK's clients, on
// the local double in one process, so that tests see it under virtual time.
package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"userdrop/functions"
	"userdrop/internal/aws/metrics"
	"userdrop/internal/contract"
	"userdrop/internal/local"
	"userdrop/internal/report"
	"userdrop/localaws"
	locallambda "userdrop/localaws/lambda"
	"userdrop/localaws/stepfunctions"
	"userdrop/localaws/template"
)

// World is a deployed stack on a double.
type World struct {
	*localaws.Double
	tuning   Tuning
	measured measurements
}

// Tuning is what a simulation changes in the functions, beside the double's own options. Each may be nil.
type Tuning struct {
	// Retryer makes the retryer of each SDK client; nil leaves the SDK's own, whose jitter no seed repeats.
	Retryer func() aws.Retryer
	// Environment is laid over each function's, where a function has it or not.
	Environment map[string]string
	// Context wraps that of each invocation.
	Context func(context.Context) context.Context
}

// New boots a world whose functions run in this process. Options need no Code, and Deployed only
// where it is not this project's.
func New(o localaws.Options) (*World, error) { return Tuned(o, Tuning{}) }

// Tuned boots a world with changed functions.
func Tuned(o localaws.Options, t Tuning) (*World, error) {
	w := &World{tuning: t}
	o.Code = w.code
	if o.StepFunctions.Latency == nil {
		o.StepFunctions.Latency = stepfunctions.HashedLatency
	}
	var err error
	w.Double, err = local.Boot(o)
	return w, err
}

// code is a function's handlers, built at an invocation, when the double that they call is there. aws-lambda-go's
// handlers are for one invocation at a time: each one at work has its own, as execution environments do.
func (w *World) code(f *template.Function) locallambda.Code {
	environment := f.Environment
	var mu sync.Mutex
	var idle []lambda.Handler
	take := func() (lambda.Handler, error) {
		mu.Lock()
		defer mu.Unlock()
		if n := len(idle); n > 0 {
			h := idle[n-1]
			idle = idle[:n-1]
			return h, nil
		}
		environment["AWS_REGION"] = w.Account.Region
		maps.Copy(environment, w.tuning.Environment)
		build, ok := functions.All[local.Folder(f)]
		if !ok {
			return nil, fmt.Errorf("functions.All has no function %s", local.Folder(f))
		}
		config := w.Config(f.RoleARN)
		config.Retryer = w.tuning.Retryer
		return build(config, environment)
	}
	return locallambda.Handler{Handler: handler(func(ctx context.Context, payload []byte) ([]byte, error) {
		h, err := take()
		if err != nil {
			return nil, err
		}
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			idle = append(idle, h)
		}()
		if w.tuning.Context != nil {
			ctx = w.tuning.Context(ctx)
		}
		answer, err := h.Invoke(metrics.To(ctx, &w.measured), payload)
		return bytes.Clone(answer), err
	})}
}

type handler func(context.Context, []byte) ([]byte, error)

func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return h(ctx, payload) }

// Inbox is the inbox bucket.
func (w *World) Inbox() string { return w.Stack.Bucket("InboxBucket").Name }

// Work is the work bucket.
func (w *World) Work() string { return w.Stack.Bucket("WorkBucket").Name }

// Results is the results bucket.
func (w *World) Results() string { return w.Stack.Bucket("ResultsBucket").Name }

// Machine is a state machine's ARN by its name in statemachine/.
func (w *World) Machine(name string) string {
	for _, m := range w.Stack.StateMachines {
		if strings.HasSuffix(m.DefinitionPath, "/"+name+".asl.json") {
			return m.ARN
		}
	}
	return ""
}

// Imports are the executions of import-users, in the order of their start.
func (w *World) Imports() []stepfunctions.Execution {
	return w.StepFunctions.Executions(w.Machine("import-users"))
}

// Result is the published result of an import; nil while there is none.
func (w *World) Result(importID string) (*contract.Result, error) {
	text, err := w.S3.Get(w.Results(), contract.ResultKey(importID))
	if err != nil {
		return nil, nil //nolint:nilerr // not there yet
	}
	return contract.UnmarshalResult(text)
}

// Settle waits until no execution runs, at most for the given time, and reports whether none runs.
func (w *World) Settle(ctx context.Context, most time.Duration) bool {
	const look = 30 * time.Second
	for end := time.Now().Add(most); time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(look):
		}
		if !w.running() {
			return true
		}
	}
	return !w.running()
}

func (w *World) running() bool {
	for _, m := range w.Stack.StateMachines {
		for _, e := range w.StepFunctions.Executions(m.ARN) {
			if e.Status == stepfunctions.Running {
				return true
			}
		}
	}
	return false
}

// Published are the details of all "User Import Finished" events.
func (w *World) Published() []report.Detail {
	var details []report.Detail
	for _, e := range w.Events.Events() {
		var d report.Detail
		if e.Source == report.EventSource && json.Unmarshal(e.Detail, &d) == nil {
			details = append(details, d)
		}
	}
	return details
}

// Foreign creates a job that is not userdrop's, of so many rows, and starts it if Cognito lets it.
func (w *World) Foreign(ctx context.Context, poolID string, rows int) error {
	config := w.Config("")
	config.Retryer = w.tuning.Retryer
	client := cognito.NewFromConfig(config)
	header, err := client.GetCSVHeader(ctx, &cognito.GetCSVHeaderInput{UserPoolId: &poolID})
	if err != nil {
		return err
	}
	at := slices.IndexFunc(w.Stack.Roles, func(r *template.Role) bool { return r.LogicalID == "ImportLogsRole" })
	job, err := client.CreateUserImportJob(ctx, &cognito.CreateUserImportJobInput{
		UserPoolId: &poolID, JobName: aws.String("foreign"), CloudWatchLogsRoleArn: &w.Stack.Roles[at].ARN,
	})
	if err != nil {
		return err
	}
	var text bytes.Buffer
	text.WriteString(strings.Join(header.CSVHeader, ",") + "\n")
	for range rows {
		text.WriteString("somebody" + strings.Repeat(",", len(header.CSVHeader)-1) + "\n")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, *job.UserImportJob.PreSignedUrl, &text)
	if err != nil {
		return err
	}
	request.Header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
	response, err := w.Client().Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	_, err = client.StartUserImportJob(ctx, &cognito.StartUserImportJobInput{
		UserPoolId: &poolID, JobId: job.UserImportJob.JobId,
	})
	return err
}
