package contract_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"userdrop"
	"userdrop/functions"
	"userdrop/internal/contract"
	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// machine is a definition, with the states of its Maps in one graph.
type machine struct {
	name   string
	start  string
	states map[string]state
}

type state struct {
	Type, Comment, Resource string
	Next, Default           string
	Error, Cause            string
	ErrorPath, CausePath    string
	TimeoutSeconds          float64
	TimeoutSecondsPath      string
	Retry                   []retrier
	Catch                   []catcher
	Choices                 []choice
	ItemProcessor           *machineText
	InMap                   bool `json:"-"`
}

type retrier struct {
	ErrorEquals    []string
	MaxAttempts    *int
	JitterStrategy string
}

type catcher struct {
	Comment     string
	ErrorEquals []string
	Next        string
}

type choice struct{ Variable, StringEquals, Next string }

type machineText struct {
	StartAt string
	States  map[string]state
}

// definitions reads statemachine/.
func definitions(t *testing.T) []machine {
	t.Helper()
	files, err := fs.Glob(userdrop.Deployed, "statemachine/*.asl.json")
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, definitions %v", err, files)
	}
	var machines []machine
	for _, file := range files {
		text, err := fs.ReadFile(userdrop.Deployed, file)
		if err != nil {
			t.Fatal(err)
		}
		var top machineText
		if err := json.Unmarshal(text, &top); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		m := machine{strings.TrimSuffix(path.Base(file), ".asl.json"), top.StartAt, top.States}
		for _, s := range top.States {
			if s.ItemProcessor == nil {
				continue
			}
			for name, inner := range s.ItemProcessor.States {
				inner.InMap = true
				if _, twice := m.states[name]; twice {
					t.Errorf("%s: two states %s", m.name, name)
				}
				m.states[name] = inner
			}
		}
		machines = append(machines, m)
	}
	return machines
}

// each calls visit for every state.
func each(t *testing.T, visit func(t *testing.T, m machine, name string, s state)) {
	for _, m := range definitions(t) {
		for _, name := range slices.Sorted(maps.Keys(m.states)) {
			t.Run(m.name+"/"+name, func(t *testing.T) { visit(t, m, name, m.states[name]) })
		}
	}
}

// next lists where a state may go.
func (s state) next() []string {
	var names []string
	add := func(name string) {
		if name != "" {
			names = append(names, name)
		}
	}
	add(s.Next)
	add(s.Default)
	for _, c := range s.Choices {
		add(c.Next)
	}
	for _, c := range s.Catch {
		add(c.Next)
	}
	if s.ItemProcessor != nil {
		add(s.ItemProcessor.StartAt)
	}
	return names
}

func stack(t *testing.T) *template.Stack {
	t.Helper()
	text, err := fs.ReadFile(userdrop.Deployed, "template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := template.Load(text, template.Options{
		Parameters: map[string]string{
			"UserPoolArns": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Example1",
		},
		Account: &wire.Account{ID: "123456789012", Region: "us-east-1", IDs: wire.NewIDs(1)}, StackName: "userdrop",
		ReadFile: func(name string) ([]byte, error) { return fs.ReadFile(userdrop.Deployed, path.Clean(name)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// kebab is the folder of a state: PrepareImport is prepare-import.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// nested runs in the partitions of China and GovCloud too; Step Functions refuses a resource of another partition, not
// when it is deployed, but when an execution comes to it.
const nested = "arn:${Partition}:states:::states:startExecution.sync:2"

func TestEveryStateIsCommentedAndLeadsSomewhere(t *testing.T) {
	for _, m := range definitions(t) {
		reached := map[string]bool{}
		for todo := []string{m.start}; len(todo) > 0; {
			name := todo[0]
			todo = todo[1:]
			if reached[name] {
				continue
			}
			reached[name] = true
			s, ok := m.states[name]
			if !ok {
				t.Errorf("%s: there is no state %s", m.name, name)
			}
			todo = append(todo, s.next()...)
		}
		want := slices.Sorted(maps.Keys(m.states))
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(reached))); diff != "" {
			t.Errorf("%s: states that nothing leads to (-defined +reached):\n%s", m.name, diff)
		}
	}
	each(t, func(t *testing.T, _ machine, _ string, s state) {
		if s.Comment == "" {
			t.Error("it has no Comment")
		}
		for _, c := range s.Catch {
			if c.Comment == "" {
				t.Errorf("the catcher that leads to %s has no Comment", c.Next)
			}
		}
	})
}

// TestOneNameForStateFunctionFolderAndResource: state CopyToImportJob runs functions/copy-to-import-job, which is the
// resource CopyToImportJobFunction and the function <stack>-copy-to-import-job.
func TestOneNameForStateFunctionFolderAndResource(t *testing.T) {
	s := stack(t)
	inStates := map[string]bool{}
	each(t, func(t *testing.T, _ machine, name string, st state) {
		if st.Type != "Task" || st.Resource == nested {
			return
		}
		inStates[kebab(name)] = true
		if want := "${" + name + "FunctionArn}"; st.Resource != want {
			t.Errorf("its resource is %s, want %s", st.Resource, want)
		}
	})
	var inTemplate []string
	for _, f := range s.Functions {
		folder := kebab(strings.TrimSuffix(f.LogicalID, "Function"))
		inTemplate = append(inTemplate, folder)
		if path.Base(f.CodeURI) != folder || f.Name != "userdrop-"+folder {
			t.Errorf("%s: named %s, code in %s; want the name %s in both", f.LogicalID, f.Name, f.CodeURI, folder)
		}
		triggered := []string{"start-import", "sweep-scheduled", "sweep-lost"}
		if inStates[folder] == slices.Contains(triggered, folder) {
			t.Errorf("%s is used by a state, or by an event or schedule, and by one of them alone", folder)
		}
	}
	slices.Sort(inTemplate)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(functions.All)), inTemplate); diff != "" {
		t.Errorf("functions (-functions.All +template.yaml):\n%s", diff)
	}
	folders, err := os.ReadDir("../../functions")
	if err != nil {
		t.Fatal(err)
	}
	var inFolders []string
	for _, f := range folders {
		if f.IsDir() {
			inFolders = append(inFolders, f.Name())
		}
	}
	if diff := cmp.Diff(inFolders, inTemplate); diff != "" {
		t.Errorf("functions (-functions/ +template.yaml):\n%s", diff)
	}
	for name := range inStates {
		if !slices.Contains(inTemplate, name) {
			t.Errorf("the template has no function %s", name)
		}
	}
}

// ofAWS are the names of errors that Step Functions and its integrations raise.
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
var ofAWS = []string{
	"States.ALL",
	"Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
	"StepFunctions.ExecutionLimitExceededException", "StepFunctions.SdkClientException",
	"StepFunctions.AWSStepFunctionsException", "StepFunctions.ThrottlingException",
}

// TestErrorNames: a name that a definition waits for is one that Go or AWS gives, and each that Go gives is waited for
// somewhere. Unexpected is what States.ALL is for.
func TestErrorNames(t *testing.T) {
	used := map[string]bool{string(contract.Unexpected): true}
	each(t, func(t *testing.T, _ machine, _ string, s state) {
		check := func(names []string) {
			for _, name := range names {
				used[name] = true
				if !slices.Contains(contract.ErrorNames, contract.ErrorName(name)) && !slices.Contains(ofAWS, name) {
					t.Errorf("nothing gives the error name %q", name)
				}
				if name == string(contract.Unexpected) {
					t.Errorf("%q stands beside States.ALL", name)
				}
			}
		}
		for _, r := range s.Retry {
			check(r.ErrorEquals)
		}
		for _, c := range s.Catch {
			check(c.ErrorEquals)
		}
	})
	for _, name := range contract.ErrorNames {
		if !used[string(name)] {
			t.Errorf("no ErrorEquals has %s", name)
		}
	}
	for _, name := range ofAWS {
		if !used[name] {
			t.Errorf("no ErrorEquals has %s any more: take it out of this test", name)
		}
	}
}

// TestEveryTaskIsGuarded: a time-out above the function's own, so that no zombie runs beside its retry; retriers with
// jitter, the specific ones first and States.ALL last and alone; and what they do not mend is caught.
func TestEveryTaskIsGuarded(t *testing.T) {
	s := stack(t)
	everything := []string{"States.ALL"}
	each(t, func(t *testing.T, _ machine, name string, st state) {
		if st.Type != "Task" {
			return
		}
		if len(st.Retry) == 0 || len(st.Catch) == 0 {
			t.Fatal("it has no Retry or no Catch")
		}
		for i, c := range st.Catch {
			if last := i == len(st.Catch)-1; slices.Equal(c.ErrorEquals, everything) != last {
				t.Errorf("catcher %d: States.ALL must be in the last, alone, and in no other", i)
			}
		}
		for i, r := range st.Retry {
			if !slices.Equal(r.ErrorEquals, everything) && slices.Contains(r.ErrorEquals, "States.ALL") {
				t.Errorf("retrier %d: States.ALL is not alone", i)
			}
			if never := r.MaxAttempts != nil && *r.MaxAttempts == 0; !never && r.JitterStrategy != "FULL" {
				t.Errorf("retrier %d: it has no jitter", i)
			}
		}
		last := slices.Equal(st.Retry[len(st.Retry)-1].ErrorEquals, everything)
		if st.Resource == nested {
			// A child that failed is not started again: its name is taken, and its part has its outcome.
			if last {
				t.Error("it starts a failed child again")
			}
			if st.TimeoutSecondsPath == "" {
				t.Error("it has no time-out")
			}
			return
		}
		if !last {
			t.Error("its last retrier is not States.ALL")
		}
		for _, f := range s.Functions {
			if f.LogicalID == name+"Function" && st.TimeoutSeconds <= f.Timeout.Seconds() {
				t.Errorf("it times out after %v s, its function after %v", st.TimeoutSeconds, f.Timeout)
			}
		}
	})
}

// TestEveryFailureEndsInANamedFail, but for those of which publish-result tells.
func TestEveryFailureEndsInANamedFail(t *testing.T) {
	each(t, func(t *testing.T, m machine, _ string, s state) {
		if s.Type == "Fail" && (s.Error == "" && s.ErrorPath == "" || s.Cause == "" && s.CausePath == "") {
			t.Error("it says neither what failed nor why")
		}
		for _, c := range s.Catch {
			told := c.Next == "PublishResult" || s.InMap
			if m.states[c.Next].Type != "Fail" && !told {
				t.Errorf("its failure goes on to %s", c.Next)
			}
		}
	})
}

// TestChoicesKnowEveryAnswer, and end in a named Fail or a word for the rest where they do not.
func TestChoicesKnowEveryAnswer(t *testing.T) {
	answers := []string{
		string(contract.Proceed), string(contract.Wait), string(contract.Attempt), string(contract.HandOver),
		string(contract.Done),
	}
	var statuses, verdicts []string
	for _, status := range cognito.UserImportJobStatusType("").Values() {
		statuses = append(statuses, string(status))
	}
	each(t, func(t *testing.T, m machine, name string, s state) {
		if s.Type != "Choice" {
			return
		}
		if s.Default == "" {
			t.Error("it has no Default")
		}
		seen := map[string]bool{}
		for _, c := range s.Choices {
			if seen[c.Variable+c.StringEquals] {
				t.Errorf("%s is asked for twice", c.StringEquals)
			}
			seen[c.Variable+c.StringEquals] = true
			switch c.Variable {
			case "$.next":
				if !slices.Contains(answers, c.StringEquals) {
					t.Errorf("no function answers %q", c.StringEquals)
				}
				if wait := c.StringEquals == string(contract.Wait); wait && m.states[c.Next].Type != "Wait" {
					t.Errorf("Wait leads to %s", c.Next)
				}
			case "$.job.status":
				if !slices.Contains(statuses, c.StringEquals) {
					t.Errorf("Cognito knows no status %q", c.StringEquals)
				}
			case "$.verdict":
				verdicts = append(verdicts, c.StringEquals)
			default:
				t.Errorf("it looks at %s", c.Variable)
			}
		}
		if name == "HasImportEnded" {
			for _, status := range statuses {
				if !seen["$.job.status"+status] {
					t.Errorf("the status %s is not handled", status)
				}
			}
		}
	})
	want := []string{ // all but Errored, which is the Default
		string(contract.VerdictApplying),
		string(contract.VerdictChecked), string(contract.VerdictExpired), string(contract.VerdictFailed), string(contract.VerdictPartial),
		string(contract.VerdictPreparing), string(contract.VerdictRejected), string(contract.VerdictStopped), string(contract.VerdictSucceeded),
		string(contract.VerdictTakenOver),
	}
	slices.Sort(verdicts)
	if diff := cmp.Diff(want, verdicts); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}
