package events

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

const schedulerService = "scheduler.amazonaws.com"

// The parts of schedules, as templates hold them and the API names them.
type (
	// Schedule is a schedule of EventBridge Scheduler. The double knows the group "default" alone.
	Schedule = template.Schedule
	// FlexibleTimeWindow says how late a schedule may run. The double always runs it in time.
	FlexibleTimeWindow = template.FlexibleTimeWindow
	// ScheduleTarget is what a schedule calls.
	ScheduleTarget = template.ScheduleTarget
)

type schedule struct {
	Schedule
	expression        Expression
	created, modified time.Time
	stop              chan struct{}
}

// Scheduler is the EventBridge Scheduler of one account.
type Scheduler struct {
	account    *wire.Account
	targets    Targets
	mux        *http.ServeMux
	operations []string
	dispatcher *dispatcher

	mu        sync.Mutex
	schedules map[string]*schedule
}

// NewScheduler returns a scheduler without schedules.
func NewScheduler(account *wire.Account, targets Targets) *Scheduler {
	s := &Scheduler{
		account: account, targets: targets, schedules: map[string]*schedule{},
		dispatcher: newDispatcher(account, schedulerService, targets),
	}
	s.mux = s.routes()
	return s
}

// Close ends schedules and deliveries and waits for them.
func (s *Scheduler) Close() { s.dispatcher.close() }

// Operations returns the names of the operations, sorted.
func (s *Scheduler) Operations() []string { return slices.Sorted(slices.Values(s.operations)) }

func (s *Scheduler) arn(name string) string {
	return s.account.ARN("scheduler", "schedule/default/"+name)
}

// Put adds or replaces a schedule.
func (s *Scheduler) Put(in Schedule) error {
	in.GroupName = cmp.Or(in.GroupName, "default")
	in.State = cmp.Or(in.State, enabled)
	in.ScheduleExpressionTimezone = cmp.Or(in.ScheduleExpressionTimezone, "UTC")
	in.ActionAfterCompletion = cmp.Or(in.ActionAfterCompletion, "NONE")
	unknown := func(member, value string) error {
		return wire.Errorf("ValidationException", "the local double does not know %s %q", member, value)
	}
	switch {
	case !ruleName.MatchString(in.Name):
		return wire.Errorf("ValidationException", "Value %q at 'name' is not a schedule's name", in.Name)
	case in.GroupName != "default":
		return unknown("GroupName", in.GroupName)
	case in.State != enabled && in.State != disabled:
		return unknown("State", in.State)
	case !validWindow(in.FlexibleTimeWindow):
		return wire.Errorf("ValidationException", "FlexibleTimeWindow is not valid")
	case in.ActionAfterCompletion != "NONE" && in.ActionAfterCompletion != deleteSchedule:
		return unknown("ActionAfterCompletion", in.ActionAfterCompletion)
	case in.Target.RoleARN == "":
		return wire.Errorf("ValidationException", "Target.RoleArn is required")
	}
	if err := s.targets.check(in.Target.ARN, in.Target.RoleARN); err != nil {
		return err
	}
	if s.targets.Assume != nil && s.targets.Assume(schedulerService, s.arn(in.Name), in.Target.RoleARN) != nil {
		return wire.Errorf("ValidationException",
			"The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
	}
	zone, err := time.LoadLocation(in.ScheduleExpressionTimezone)
	if err != nil {
		return wire.Errorf("ValidationException", "Invalid Schedule Expression Timezone %s.", in.ScheduleExpressionTimezone)
	}
	now := time.Now()
	expression, err := ParseExpression(in.ScheduleExpression, zone, now)
	if err != nil {
		return wire.Errorf("ValidationException", "Invalid Schedule Expression %s: %v", in.ScheduleExpression, err)
	}
	added := &schedule{Schedule: in, expression: expression, created: now, modified: now, stop: make(chan struct{})}
	s.mu.Lock()
	if old := s.schedules[in.Name]; old != nil {
		added.created = old.created
		close(old.stop)
	}
	s.schedules[in.Name] = added
	s.mu.Unlock()
	if in.State == enabled {
		s.dispatcher.start(func() {
			s.dispatcher.loop(expression, added.stop, func(scheduled time.Time) { s.fire(in, scheduled) })
			if in.ActionAfterCompletion == deleteSchedule {
				s.remove(in.Name, added)
			}
		})
	}
	return nil
}

// deleteSchedule is the ActionAfterCompletion of a schedule that is deleted after its last run.
const deleteSchedule = "DELETE"

// remove deletes a schedule that has had its last run, unless another one has its name by now.
func (s *Scheduler) remove(name string, done *schedule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.schedules[name] == done {
		delete(s.schedules, name)
	}
}

// validWindow reports whether the window is off, or flexible with 1 to 1,440 minutes.
func validWindow(w FlexibleTimeWindow) bool {
	if w.Mode == "OFF" {
		return w.MaximumWindowInMinutes == nil
	}
	minutes := w.MaximumWindowInMinutes
	return w.Mode == "FLEXIBLE" && minutes != nil && *minutes >= 1 && *minutes <= 1440
}

func (s *Scheduler) find(name string) (*schedule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.schedules[name]
	if !ok {
		return nil, &wire.Error{
			Code: "ResourceNotFoundException", Message: "Schedule " + name + " does not exist.", Status: http.StatusNotFound,
		}
	}
	return found, nil
}

// RunNow fires a schedule at once, even if it is disabled.
func (s *Scheduler) RunNow(name string) error {
	found, err := s.find(name)
	if err != nil {
		return err
	}
	s.fire(found.Schedule, time.Now())
	return nil
}

// NextRun is the next time that a schedule will run.
func (s *Scheduler) NextRun(name string) (time.Time, bool) {
	found, err := s.find(name)
	if err != nil || found.State != enabled {
		return time.Time{}, false
	}
	return found.expression.Next(time.Now())
}

// fire delivers one run. The input may hold context attributes:
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
func (s *Scheduler) fire(in Schedule, scheduled time.Time) {
	arn, execution := s.arn(in.Name), s.account.IDs.UUID()
	at := scheduled.UTC().Format(time.RFC3339)
	input := in.Target.Input
	if input == "" {
		// The default event's detail is a string.
		input = string(mustJSON(Envelope{
			Version: "0", ID: execution, DetailType: "Scheduled Event", Source: "aws.scheduler", Account: s.account.ID,
			Time: at, Region: s.account.Region, Resources: []string{arn}, Detail: json.RawMessage(`"{}"`),
		}))
	}
	payload := func(attempt int) []byte {
		return []byte(strings.NewReplacer(
			"<aws.scheduler.schedule-arn>", arn, "<aws.scheduler.scheduled-time>", at,
			"<aws.scheduler.execution-id>", execution, "<aws.scheduler.attempt-number>", strconv.Itoa(attempt),
		).Replace(input))
	}
	p := parcel{
		source: arn, target: in.Target.ARN, role: in.Target.RoleARN, name: execution,
		payload: func(attempt int) ([]byte, error) { return payload(attempt), nil },
		// https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
		letter: func(f failure) ([]byte, map[string]string) {
			attributes := f.attributes()
			attributes["SCHEDULE_ARN"], attributes["TARGET_ARN"] = arn, in.Target.ARN
			attributes["SCHEDULED_TIME"], attributes["EXECUTION_ID"] = at, execution
			attributes["IS_PAYLOAD_TRUNCATED"] = "false"
			return payload(f.retries + 1), attributes
		},
	}
	if in.Target.RetryPolicy != nil {
		p.retry = *in.Target.RetryPolicy
	}
	if in.Target.DeadLetterConfig != nil {
		p.dead = *in.Target.DeadLetterConfig
	}
	s.dispatcher.start(func() { s.dispatcher.deliver(p) })
}

// ServeHTTP serves the REST API.
func (s *Scheduler) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Scheduler) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(pattern, action string, operation func(r *http.Request, name string) (any, error)) {
		if _, name, ok := strings.Cut(action, ":"); ok {
			s.operations = append(s.operations, name)
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			name := r.PathValue("name")
			out, err := func() (any, error) {
				if action == "" {
					return nil, &wire.Error{
						Code: "UnknownOperationException", Status: http.StatusNotFound,
						Message: "the local double does not know the Scheduler operation " + r.Method + " " + r.URL.Path,
					}
				}
				resource := "*"
				if name != "" {
					resource = s.arn(name)
				}
				if err := wire.Authorize(r.Context(), action, resource, nil); err != nil {
					return nil, err
				}
				return operation(r, name)
			}()
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Amzn-RequestId", wire.RequestID(r.Context()))
			if err == nil {
				_, _ = w.Write(mustJSON(out))
				return
			}
			e := wire.AsError(err)
			status := max(e.Status, http.StatusBadRequest)
			if e.Code == "AccessDeniedException" {
				status = http.StatusForbidden
			}
			w.Header().Set("X-Amzn-ErrorType", e.Code)
			w.WriteHeader(status)
			_, _ = w.Write(mustJSON(map[string]string{"Message": e.Message}))
		})
	}
	handle("GET /schedules", "scheduler:ListSchedules", s.list)
	handle("GET /schedules/{name}", "scheduler:GetSchedule", s.get)
	handle("POST /schedules/{name}", "scheduler:CreateSchedule", s.create)
	handle("PUT /schedules/{name}", "scheduler:UpdateSchedule", s.update)
	handle("/", "", nil)
	return mux
}

func (s *Scheduler) get(r *http.Request, name string) (any, error) {
	if err := refuseQuery(r, "groupName"); err != nil {
		return nil, err
	}
	found, err := s.find(name)
	if err != nil {
		return nil, err
	}
	return struct {
		Schedule
		Arn                                string
		CreationDate, LastModificationDate wire.Epoch
	}{found.Schedule, s.arn(name), wire.Epoch(found.created), wire.Epoch(found.modified)}, nil
}

func refuseQuery(r *http.Request, known ...string) error {
	query := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(known, name) {
			return wire.Errorf("ValidationException", "the local double does not know the parameter %s", name)
		}
	}
	if group := cmp.Or(query.Get("groupName"), query.Get("ScheduleGroup"), "default"); group != "default" {
		return wire.Errorf("ResourceNotFoundException", "Schedule group %s does not exist.", group)
	}
	return nil
}

func (s *Scheduler) list(r *http.Request, _ string) (any, error) {
	if err := refuseQuery(r, "ScheduleGroup", "NamePrefix", "State", "MaxResults", "NextToken"); err != nil {
		return nil, err
	}
	type summary struct {
		Arn, GroupName, Name, State        string
		CreationDate, LastModificationDate wire.Epoch
		Target                             struct{ Arn string }
	}
	query := r.URL.Query()
	all := []summary{}
	s.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(s.schedules)) {
		found := s.schedules[name]
		if !strings.HasPrefix(name, query.Get("NamePrefix")) || cmp.Or(query.Get("State"), found.State) != found.State {
			continue
		}
		item := summary{
			Arn: s.arn(name), GroupName: found.GroupName, Name: name, State: found.State,
			CreationDate: wire.Epoch(found.created), LastModificationDate: wire.Epoch(found.modified),
		}
		item.Target.Arn = found.Target.ARN
		all = append(all, item)
	}
	s.mu.Unlock()
	limit, err := strconv.Atoi(cmp.Or(query.Get("MaxResults"), "100"))
	if err != nil {
		return nil, wire.Errorf("ValidationException", "MaxResults must be a number")
	}
	all, next, err := page(all, limit, query.Get("NextToken"))
	return struct {
		Schedules []summary
		NextToken string `json:",omitempty"`
	}{all, next}, err
}

func (s *Scheduler) create(r *http.Request, name string) (any, error) {
	if _, err := s.find(name); err == nil {
		return nil, &wire.Error{
			Code: "ConflictException", Message: "Schedule " + name + " already exists.", Status: http.StatusConflict,
		}
	}
	return s.put(r, name)
}

func (s *Scheduler) update(r *http.Request, name string) (any, error) {
	if _, err := s.find(name); err != nil {
		return nil, err
	}
	return s.put(r, name)
}

func (s *Scheduler) put(r *http.Request, name string) (any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	var in struct {
		Schedule
		ClientToken string
	}
	if err := wire.Decode(body, &in, wire.Pascal); err != nil {
		return nil, wire.Errorf("ValidationException", "the local double refuses the input: %v", err)
	}
	in.Name = name
	if err := s.passRole(r.Context(), in.Target.RoleARN); err != nil {
		return nil, err
	}
	if err := s.Put(in.Schedule); err != nil {
		return nil, err
	}
	return struct{ ScheduleArn string }{s.arn(name)}, nil
}

func (s *Scheduler) passRole(ctx context.Context, role string) error {
	to := map[string]string{"iam:PassedToService": schedulerService}
	return wire.Authorize(ctx, "iam:PassRole", role, to)
}
