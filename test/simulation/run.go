package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognitoidp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	idptypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/stepfunctions"
)

// Report is what became of a seed.
type Report struct {
	Seed       uint64
	Verdicts   map[contract.Verdict]int
	Counts     map[string]int // by fault, and by what people did
	Unknowns   map[string]int
	Violations []string
	Trace      []string
	Executions []string // how each ended, and the states it entered
	Journal    string   // what the functions logged
	Virtual    time.Duration
	States     int // entered
}

// Digest tells two runs apart.
func (r *Report) Digest() uint64 {
	h := fnv.New64a()
	for _, line := range r.Trace {
		fmt.Fprintln(h, line)
	}
	return h.Sum64()
}

// Replay is the command that repeats the run.
func (r *Report) Replay() string {
	return fmt.Sprintf("go run ./test/simulation/soak -seed %d -v", r.Seed)
}

// run is a scenario that is played.
type run struct {
	*World
	*Scenario
	chaos   *chaos
	journal *Journal
	admin   *cognitoidp.Client
	results map[string]*contract.Result // by import id
	report  *Report
}

// patience is how long a scenario may take before something waits for ever: MaxWaitForOthers, and time to try again.
const patience = 20 * 24 * time.Hour

// Run plays a scenario and checks what must hold. It must be called in a bubble of testing/synctest, with the logger of
// the package as slog's default.
func Run(ctx context.Context, s *Scenario) *Report {
	r := &run{
		Scenario: s, chaos: newChaos(s.Seed, s.faults), journal: newJournal(), results: map[string]*contract.Result{},
		report: &Report{Seed: s.Seed, Verdicts: map[contract.Verdict]int{}},
	}
	defer func() {
		slices.Sort(r.chaos.trace) // what happened at one instant has no order
		r.report.Counts, r.report.Trace = r.chaos.counts, r.chaos.trace
		r.report.Journal = r.journal.String()
	}()
	var err error
	r.chaos.strike = r.strike
	r.World, err = Tuned(localaws.Options{
		Pools: s.pools(), Parameters: s.parameters(), Cognito: s.Settings, Seed: s.Seed,
		Calls: r.chaos.call, Around: r.chaos.around, Admit: r.chaos.admit, Deliveries: r.chaos.deliveries,
		StepFunctions: stepfunctions.Options{ListDelay: r.chaos.listDelay, StopChild: r.chaos.stopChild},
	}, Tuning{
		Retryer: r.chaos.retryer, Environment: s.environment,
		Context: func(ctx context.Context) context.Context { return r.chaos.context(r.journal.context(ctx)) },
	})
	if err != nil {
		r.violation("the double does not boot: %v", err)
		return r.report
	}
	defer r.Close()
	r.report.Unknowns = unknowns(s.Settings)
	r.play(ctx)
	r.check()
	if s.late && len(r.report.Violations) == 0 {
		r.redriveLate(ctx)
	}
	return r.report
}

// play lets everything of the scenario happen, and waits for its end.
func (r *run) play(ctx context.Context) {
	s := r.Scenario
	start := time.Now()
	usable := r.Cognito.LogsRole
	r.Cognito.LogsRole = func(role string) error {
		if since := time.Since(start); since >= s.logsDown[0] && since < s.logsDown[1] {
			r.count("logs: role broken")
			return errors.New("the role is broken")
		}
		return usable(role)
	}
	config := r.Config("")
	config.Retryer = r.chaos.retryer
	r.admin = cognitoidp.NewFromConfig(config)
	for _, p := range s.Pools {
		for _, name := range p.Existing {
			r.existing(ctx, p, name)
		}
		if s.changes {
			r.createGroups(ctx, p)
		}
	}
	slices.SortStableFunc(s.actions, func(a, b action) int { return cmp.Compare(a.at, b.at) })
	for i, a := range s.actions {
		// A little apart, so that no two things happen at one instant.
		time.Sleep(time.Until(start.Add(a.at + time.Duration(i)*time.Microsecond + 7*time.Nanosecond)))
		r.count("people: " + a.name)
		a.do(r)
	}
	for !r.settled() {
		if time.Since(start) > patience {
			r.violation("something waits for ever")
			break
		}
		time.Sleep(17*time.Minute + 13*time.Nanosecond)
	}
	r.report.Virtual = time.Since(start)
}

// count counts what happens and is no call's, invocation's or event's fault.
func (r *run) count(what string) {
	r.chaos.mu.Lock()
	defer r.chaos.mu.Unlock()
	r.chaos.count(what)
	r.chaos.log("%s", what)
}

func (r *run) violation(format string, args ...any) {
	r.report.Violations = append(r.report.Violations, fmt.Sprintf(format, args...))
}

// settled reports whether every drop has its result, every notification went out, and nothing runs.
func (r *run) settled() bool {
	if r.running() {
		return false
	}
	r.collect()
	for _, drop := range r.Drops {
		if len(r.of(drop)) == 0 && !drop.vanished {
			return false
		}
	}
	for id := range r.results {
		if _, err := r.S3.Get(r.Work(), contract.DoneKey(id)); err != nil {
			return false // its publisher was broken off: the hourly sweep finds it
		}
	}
	return true
}

// collect reads the results that are there.
func (r *run) collect() {
	keys, err := r.S3.Keys(r.Results(), "")
	if err != nil {
		r.violation("list results: %v", err)
	}
	for _, key := range keys {
		id, ok := strings.CutSuffix(key, "/result.json")
		if !ok || r.results[id] != nil {
			continue
		}
		got, err := r.Result(id)
		if err != nil || got == nil {
			r.violation("result of %s can't be read: %v", id, err)
			continue
		}
		r.results[id] = got
	}
}

// of are the results that a drop is a source of.
func (r *run) of(drop *Drop) (all []*contract.Result) {
	for _, id := range slices.Sorted(maps.Keys(r.results)) {
		for _, source := range r.results[id].Sources {
			if source.Key == drop.Key && source.VersionID == drop.VersionID {
				all = append(all, r.results[id])
			}
		}
	}
	return all
}

// What people do.

func (r *run) put(drop *Drop) {
	version, err := r.S3.Put(r.Inbox(), drop.Key, drop.Text)
	if err != nil {
		r.violation("put: %v", err)
	}
	drop.VersionID = version
}

func (r *run) remove(drop *Drop) {
	client := s3.NewFromConfig(r.Config(""))
	_, err := client.DeleteObject(context.Background(), &s3.DeleteObjectInput{
		Bucket: aws.String(r.Inbox()), Key: &drop.Key, VersionId: &drop.VersionID,
	})
	if err != nil {
		r.violation("delete: %v", err)
	}
}

func (r *run) existing(ctx context.Context, p *Pool, name string) {
	_, err := r.admin.AdminCreateUser(ctx, &cognitoidp.AdminCreateUserInput{
		UserPoolId: &p.ID, Username: &name, MessageAction: idptypes.MessageActionTypeSuppress,
		UserAttributes: []idptypes.AttributeType{
			{Name: aws.String("email"), Value: &name}, {Name: aws.String("email_verified"), Value: aws.String("true")},
		},
	})
	if err != nil {
		r.violation("create user: %v", err)
	}
}

// execution is the import-users execution of a drop; nil while there is none.
func (r *run) execution(drop *Drop) *stepfunctions.Execution {
	for _, e := range r.Imports() {
		if strings.Contains(e.Input, fmt.Sprintf("%q", drop.VersionID)) {
			return &e
		}
	}
	return nil
}

func (r *run) abort(drop *Drop) {
	if e := r.execution(drop); e != nil {
		if _, err := r.StepFunctions.StopExecution(context.Background(), e.ARN, "", ""); err != nil {
			r.violation("stop: %v", err)
		}
	}
}

func (r *run) redrive(drop *Drop) {
	if e := r.execution(drop); e != nil {
		// Refused while it runs, and when it succeeded.
		_, _ = r.StepFunctions.RedriveExecution(context.Background(), e.ARN)
	}
}

func (r *run) abortPart() {
	for _, e := range r.StepFunctions.Executions(r.Machine("import-job")) {
		if e.Status == stepfunctions.Running {
			_, _ = r.StepFunctions.StopExecution(context.Background(), e.ARN, "", "")
			return
		}
	}
}

// strike breaks off the execution of a machine that is at work for an import.
func (r *run) strike(ctx context.Context, s strike, importID string) {
	if importID == "" || !sleep(ctx, s.after) {
		return
	}
	for _, e := range r.StepFunctions.Executions(r.Machine(s.machine)) {
		ours := e.Name == importID || strings.HasPrefix(e.Name, importID+"-") || strings.Contains(e.Input, importID)
		if e.Status != stepfunctions.Running || !ours {
			continue
		}
		r.count("people: " + s.machine + " aborted at " + s.function)
		_, _ = r.StepFunctions.StopExecution(context.Background(), e.ARN, "", "")
		if s.redrive > 0 && sleep(ctx, s.redrive) {
			r.count("people: redrive")
			_, _ = r.StepFunctions.RedriveExecution(context.Background(), e.ARN)
		}
		return
	}
}

// sweep runs a schedule's target beside the schedule.
func (r *run) sweep(logicalID string) {
	for _, s := range r.Stack.Schedules {
		if s.LogicalID == logicalID {
			if err := r.Scheduler.RunNow(s.Name); err != nil {
				r.violation("sweep: %v", err)
			}
		}
	}
}

// pause holds the queue, as the command line does.
func (r *run) pause() {
	if _, err := r.S3.Put(r.Work(), contract.HoldKey, nil); err != nil {
		r.violation("pause: %v", err)
	}
}

func (r *run) resume() {
	_, err := s3.NewFromConfig(r.Config("")).DeleteObject(context.Background(), &s3.DeleteObjectInput{
		Bucket: aws.String(r.Work()), Key: aws.String(contract.HoldKey),
	})
	if err != nil {
		r.violation("resume: %v", err)
	}
}

func (r *run) stopJob() {
	for _, p := range r.Pools {
		for _, j := range r.Cognito.Jobs(p.ID) {
			if j.Status == "InProgress" {
				_, _ = r.admin.StopUserImportJob(context.Background(), &cognitoidp.StopUserImportJobInput{
					UserPoolId: &p.ID, JobId: aws.String(j.JobID),
				})
				return
			}
		}
	}
}

func (r *run) deletePool(p *Pool) {
	p.deleted = true
	r.Cognito.RemovePool(p.ID)
}

func (r *run) addAttribute(p *Pool) {
	_, _ = r.admin.AddCustomAttributes(context.Background(), &cognitoidp.AddCustomAttributesInput{
		UserPoolId: &p.ID, CustomAttributes: []idptypes.SchemaAttributeType{
			{Name: aws.String("team"), AttributeDataType: idptypes.AttributeDataTypeString},
		},
	})
}
