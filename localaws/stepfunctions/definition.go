package stepfunctions

import (
	"iter"
	"math"
	"time"
)

// Definition is a state machine in the Amazon States Language, or the inner machine of a Map state.
type Definition struct {
	Comment        string
	StartAt        string
	TimeoutSeconds int64    // 0 is no limit but Step Functions' own
	States         []*State // in the order of the text
}

// State returns the state of that name, or nil. It does not look into Map states.
func (d *Definition) State(name string) *State {
	for _, s := range d.States {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// All walks over the states in the order of the text, those inside Map states after the Map state.
func (d *Definition) All() iter.Seq[*State] {
	return func(yield func(*State) bool) { d.walk(yield) }
}

func (d *Definition) walk(yield func(*State) bool) bool {
	for _, s := range d.States {
		if !yield(s) || s.ItemProcessor != nil && !s.ItemProcessor.walk(yield) {
			return false
		}
	}
	return true
}

// State is one state. Which fields are set depends on its type; Parse has applied the language's defaults.
type State struct {
	Name    string
	Type    string // Task, Choice, Wait, Pass, Map, Succeed or Fail
	Comment string
	Next    string
	End     bool

	InputPath, OutputPath *Path // nil is null: an empty object
	ResultPath            *Path // nil is null: the result is dropped
	Parameters            *Template
	ResultSelector        *Template

	// Task
	Resource           string
	TimeoutSeconds     int64 // 0 is none
	TimeoutSecondsPath *Path

	// Task and Map
	Retry []Retrier
	Catch []Catcher

	// Choice
	Choices []*Rule
	Default string

	// Wait: one of them
	Seconds                    *int64
	Timestamp                  *time.Time
	SecondsPath, TimestampPath *Path

	// Pass; Result is a decoded JSON value, used when HasResult
	Result    any
	HasResult bool

	// Map
	ItemProcessor  *Definition
	ItemsPath      *Path
	ItemSelector   *Template
	MaxConcurrency int // 0 is as many as Step Functions likes

	// Fail; a path may be an intrinsic function too
	Error, Cause         string
	errorPath, causePath expression
}

// Terminal reports whether the machine ends with the state.
func (s *State) Terminal() bool { return s.End || s.Type == "Succeed" || s.Type == "Fail" }

// Successors are the names of the states that may follow, in the order of the text and without repeats: Next, the
// rules of a Choice with its default, the catchers.
func (s *State) Successors() []string {
	var names []string
	seen := map[string]bool{"": true}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	add(s.Next)
	for _, r := range s.Choices {
		add(r.Next)
	}
	add(s.Default)
	for _, c := range s.Catch {
		add(c.Next)
	}
	return names
}

// Retrier is an element of Retry.
type Retrier struct {
	ErrorEquals     []string
	IntervalSeconds int64
	MaxAttempts     int64
	BackoffRate     float64
	MaxDelaySeconds int64  // 0 is no limit
	JitterStrategy  string // FULL or NONE
}

// Delay is how long to wait before the retry of that number, the first being 1. Random, in [0, 1), is used with FULL
// jitter alone.
func (r *Retrier) Delay(attempt int, random float64) time.Duration {
	seconds := float64(r.IntervalSeconds) * math.Pow(r.BackoffRate, float64(attempt-1))
	if r.MaxDelaySeconds > 0 {
		seconds = min(seconds, float64(r.MaxDelaySeconds))
	}
	if r.JitterStrategy == "FULL" {
		seconds *= random
	}
	return time.Duration(min(seconds, maxSeconds) * float64(time.Second))
}

// Catcher is an element of Catch.
type Catcher struct {
	Comment     string
	ErrorEquals []string
	ResultPath  *Path // nil is null
	Next        string
}

// The names of errors that the interpreter itself uses. See
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html.
const (
	errAll        = "States.ALL"
	errTaskFailed = "States.TaskFailed"
	errTimeout    = "States.Timeout"
	errRuntime    = "States.Runtime"
	errDataLimit  = "States.DataLimitExceeded"
	errIntrinsic  = "States.IntrinsicFailure"
	errNoChoice   = "States.NoChoiceMatched"
)

// reservedErrors are the names that begin with "States." and mean something.
var reservedErrors = map[string]bool{
	errAll: true, errTaskFailed: true, errTimeout: true, errRuntime: true, errDataLimit: true, errIntrinsic: true,
	errNoChoice: true, "States.Permissions": true, "States.ResultPathMatchFailure": true,
	"States.ParameterPathFailure": true, "States.BranchFailed": true, "States.HeartbeatTimeout": true,
	"States.ExceedToleratedFailureThreshold": true, "States.ItemReaderFailed": true,
	"States.ResultWriterFailed": true,
}

// matches reports whether a retrier or catcher for names is one for the error. States.Runtime always ends the
// execution; States.ALL leaves out States.DataLimitExceeded; States.TaskFailed leaves out States.Timeout too.
func matches(names []string, err string) bool {
	if err == errRuntime {
		return false
	}
	for _, name := range names {
		switch {
		case name == err,
			name == errAll && err != errDataLimit,
			name == errTaskFailed && err != errDataLimit && err != errTimeout:
			return true
		}
	}
	return false
}
