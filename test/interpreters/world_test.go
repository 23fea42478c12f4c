//go:build interpreters

package interpreters_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognitoidp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"userdrop"
	"userdrop/internal/contract"
	"userdrop/internal/local"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/events"
	"userdrop/localaws/lambda"
	"userdrop/localaws/stepfunctions"
	"userdrop/test/simulation"
)

const (
	pool  = "us-east-1_Example1"
	other = "us-east-1_Example2" // a pool of the account that the stack does not know

	// speed divides job durations, as in the double, and the seconds that functions ask to wait.
	speed = 100
)

// world is a double with the conditions of one scenario, at which one execution runs on some interpreter.
type world struct {
	*simulation.World
	t        *testing.T
	scenario scenario
	cognito  *cognitoidp.Client

	mu      sync.Mutex
	calls   []string       // functions and how they answered
	seen    map[string]int // requests by operation
	answers map[string]int // of functions that asked to wait, by folder
	waited  time.Duration
}

// newWorld boots the double. Where import-job runs elsewhere, the double's own has a state put before its first that
// waits: an execution of it stands in the queue for the one elsewhere.
func newWorld(t *testing.T, s scenario, endpoint string, standIn bool) *world {
	w := &world{t: t, scenario: s, seen: map[string]int{}, answers: map[string]int{}}
	settings := cognito.Defaults()
	settings.UsersPerSecond = 0.1 // six rows take a minute
	if s.settings != nil {
		s.settings(&settings)
	}
	description := read(t, "../../examples/pool.json")
	options := localaws.Options{
		Endpoint: endpoint,
		Pools: []localaws.Pool{
			{Description: description}, {Description: bytes.ReplaceAll(description, []byte(pool), []byte(other))},
		},
		Parameters: map[string]string{
			"UserPoolArns": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/" + pool,
			// In milliseconds, 30 days are more than the time-outs of Node.js can count.
			"MaxImportDays": "14",
		},
		Cognito: settings, Seed: 1, Speed: speed,
		Calls: w.call, Around: w.around,
		// Nothing starts but what the test starts.
		Deliveries: func(string, string, events.Envelope, time.Duration) []time.Duration { return nil },
		// What an aborted execution leaves at work is for abort-import to stop.
		StepFunctions: stepfunctions.Options{StopChild: func(string) bool { return false }},
	}
	if standIn {
		options.Deployed = waiting(t)
	}
	var err error
	if w.World, err = simulation.New(options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	w.cognito = cognitoidp.NewFromConfig(w.Config(""))
	if s.before != nil {
		s.before(w)
	}
	return w
}

// waiting is what is deployed, but for an import-job that begins by waiting for longer than any test.
func waiting(t *testing.T) fs.FS {
	const file = "statemachine/import-job.asl.json"
	deployed := fstest.MapFS{}
	err := fs.WalkDir(userdrop.Deployed, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(userdrop.Deployed, name)
		deployed[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var definition map[string]any
	if err := json.Unmarshal(deployed[file].Data, &definition); err != nil {
		t.Fatal(err)
	}
	definition["States"].(map[string]any)["StandIn"] = map[string]any{
		"Type": "Wait", "Seconds": 3600 * speed, "Next": definition["StartAt"],
	}
	definition["StartAt"] = "StandIn"
	if deployed[file].Data, err = json.Marshal(definition); err != nil {
		t.Fatal(err)
	}
	return deployed
}

// around lets the time that a function asks to wait pass before it answers, hurried, and then answers that there is
// nothing to wait for: of the definitions, whose Wait states sleep in real time elsewhere, nothing is changed.
func (w *world) around(
	_ context.Context, f lambda.Function, _ []byte, next func() lambda.Result,
) lambda.Result {
	r := next()
	folder := strings.TrimPrefix(f.Name, local.StackName+"-")
	if r.FunctionError != "" {
		var e struct{ ErrorType string }
		_ = json.Unmarshal(r.Payload, &e)
		w.note(folder + " " + e.ErrorType)
		return r
	}
	w.note(folder)
	var answer map[string]json.RawMessage
	var asked struct {
		Next        contract.Next
		WaitSeconds int64
		Job         contract.Job
	}
	if json.Unmarshal(r.Payload, &answer) != nil || json.Unmarshal(r.Payload, &asked) != nil {
		return r
	}
	if w.scenario.answered != nil {
		w.scenario.answered(w, folder, asked.Next, asked.Job)
	}
	if asked.Next != contract.Wait {
		return r
	}
	wait := time.Duration(asked.WaitSeconds) * time.Second
	time.Sleep(min(wait/speed, time.Second))
	w.mu.Lock()
	w.answers[folder]++
	w.waited += wait
	w.mu.Unlock()
	answer["waitSeconds"] = json.RawMessage("0")
	r.Payload, _ = json.Marshal(answer)
	return r
}

func (w *world) note(call string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.calls); n == 0 || w.calls[n-1] != call {
		w.calls = append(w.calls, call)
	}
}

// count says how often an operation was called, this time included.
func (w *world) count(operation string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[operation]++
	return w.seen[operation]
}

// call stands before every call of a service: the scenario's faults, and the time that passed while functions waited,
// which stop-import-jobs measures from the ends of executions, and publish-result from the last claim of a start.
func (w *world) call(c localaws.Call, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.scenario.fault != nil {
			if fault := w.scenario.fault(c, w.count(c.Service+" "+c.Operation)); fault != nil {
				fault.ServeHTTP(rw, r)
				return
			}
		}
		if c.Principal != nil && strings.HasSuffix(r.URL.Path, contract.StartsKey("")) {
			next.ServeHTTP(earlier{rw, w}, r)
			return
		}
		if !slices.Contains([]string{"DescribeExecution", "ListExecutions"}, c.Operation) || c.Principal == nil {
			next.ServeHTTP(rw, r)
			return
		}
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, r)
		var answer any
		if json.Unmarshal(recorder.Body.Bytes(), &answer) == nil {
			w.mu.Lock()
			endEarlier(answer, w.waited)
			w.mu.Unlock()
			recorder.Body.Reset()
			_ = json.NewEncoder(recorder.Body).Encode(answer)
		}
		for name, values := range recorder.Header() {
			rw.Header()[name] = values
		}
		rw.WriteHeader(recorder.Code)
		_, _ = rw.Write(recorder.Body.Bytes())
	})
}

// earlier moves the time at which an object was written.
type earlier struct {
	http.ResponseWriter
	w *world
}

func (e earlier) WriteHeader(code int) {
	if written, err := http.ParseTime(e.Header().Get("Last-Modified")); err == nil {
		e.w.mu.Lock()
		e.Header().Set("Last-Modified", written.Add(-e.w.waited).Format(http.TimeFormat))
		e.w.mu.Unlock()
	}
	e.ResponseWriter.WriteHeader(code)
}

// endEarlier moves the ends of executions in an answer.
func endEarlier(answer any, by time.Duration) {
	switch a := answer.(type) {
	case map[string]any:
		if stopped, ok := a["stopDate"].(float64); ok {
			a["stopDate"] = stopped - by.Seconds()
		}
		endEarlier(a["executions"], by)
	case []any:
		for _, e := range a {
			endEarlier(e, by)
		}
	}
}

// refusal answers with an error of the JSON protocols.
func refusal(code string) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/x-amz-json-1.1")
		rw.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(rw).Encode(map[string]string{"__type": code, "message": code})
	})
}

// lapsed answers an upload as S3 does when the URL's time is over.
func lapsed() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusForbidden)
		_, _ = rw.Write([]byte("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"))
	})
}

// drop puts the scenario's file into the inbox, and is what start-import would make of it.
func (w *world) drop() contract.Drop {
	w.t.Helper()
	const key = "incoming/" + pool + "/users.csv"
	version, err := w.S3.Put(w.Inbox(), key, []byte(w.scenario.users))
	if err != nil {
		w.t.Fatal(err)
	}
	drop := contract.Drop{
		Schema: contract.Schema, UserPoolID: pool, Mode: contract.ModeImport,
		Source: contract.Object{
			Bucket: w.Inbox(), Key: key, VersionID: version, Bytes: int64(len(w.scenario.users)),
		},
	}
	drop.ImportID = contract.ImportID(drop.Source)
	return drop
}

// part is the input of import-job: the drop's one part, prepared.
func (w *world) part(drop contract.Drop) contract.ImportJob {
	w.t.Helper()
	r, err := w.Lambda.Invoke(w.t.Context(), local.StackName+"-prepare-import", encode(w.t, drop))
	if err != nil || r.FunctionError != "" {
		w.t.Fatalf("prepare-import: %v %s", err, r.Payload)
	}
	var prepared contract.Import
	if err := json.Unmarshal(r.Payload, &prepared); err != nil || len(prepared.Parts) != 1 {
		w.t.Fatalf("prepare-import: %v, %d parts", err, len(prepared.Parts))
	}
	return prepared.Parts[0]
}

// abort runs import-users on the double until its job is in progress, stops the execution, and returns its ARN.
func (w *world) abort() string {
	w.t.Helper()
	drop := w.drop()
	x, err := w.StepFunctions.StartExecution(w.t.Context(), stepfunctions.StartInput{
		MachineARN: w.Machine("import-users"), Name: drop.ImportID, Input: string(encode(w.t, drop)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	within(w.t, func() bool {
		jobs := w.Cognito.Jobs(pool)
		return len(jobs) > 0 && jobs[0].Status == "InProgress"
	})
	if _, err := w.StepFunctions.StopExecution(w.t.Context(), x.ARN, "", ""); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.StepFunctions.Wait(w.t.Context(), x.ARN); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.calls = nil
	w.mu.Unlock()
	return x.ARN
}

// startForeignJob makes another pool's job active.
func (w *world) startForeignJob() {
	w.t.Helper()
	var role string
	for _, r := range w.Stack.Roles {
		if strings.HasSuffix(r.ARN, "ImportLogsRole") {
			role = r.ARN
		}
	}
	created, err := w.cognito.CreateUserImportJob(w.t.Context(), &cognitoidp.CreateUserImportJobInput{
		UserPoolId: aws.String(other), JobName: aws.String("foreign"), CloudWatchLogsRoleArn: &role,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	header, err := w.cognito.GetCSVHeader(w.t.Context(), &cognitoidp.GetCSVHeaderInput{UserPoolId: aws.String(other)})
	if err != nil {
		w.t.Fatal(err)
	}
	row := make([]string, len(header.CSVHeader))
	for i, column := range header.CSVHeader {
		switch column {
		case "cognito:username":
			row[i] = "foreign"
		case "email":
			row[i] = "foreign@example.com"
		case "email_verified":
			row[i] = "true"
		case "phone_number_verified", "cognito:mfa_enabled":
			row[i] = "false"
		}
	}
	var file strings.Builder
	file.WriteString(strings.Join(header.CSVHeader, ","))
	for range 1000 { // runs until it is stopped
		file.WriteString("\n" + strings.Join(row, ","))
	}
	request, err := http.NewRequestWithContext(
		w.t.Context(), http.MethodPut, *created.UserImportJob.PreSignedUrl, strings.NewReader(file.String()))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
	response, err := w.Client().Do(request)
	if err != nil || response.StatusCode != http.StatusOK {
		w.t.Fatalf("upload: %v %v", err, response)
	}
	_, err = w.cognito.StartUserImportJob(w.t.Context(), &cognitoidp.StartUserImportJobInput{
		UserPoolId: aws.String(other), JobId: created.UserImportJob.JobId,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// stopJobs stops a pool's active jobs, as somebody at the console would.
func (w *world) stopJobs(pool string) {
	for _, j := range w.Cognito.Jobs(pool) {
		if slices.Contains([]string{"Pending", "InProgress"}, j.Status) {
			_, err := w.cognito.StopUserImportJob(context.Background(), &cognitoidp.StopUserImportJobInput{
				UserPoolId: &pool, JobId: aws.String(j.JobID),
			})
			if err != nil {
				w.t.Error(err)
			}
		}
	}
}

// within waits for something to become true.
func within(t *testing.T, come func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !come(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come true within a minute")
		}
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
