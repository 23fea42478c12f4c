// Package events plays Amazon EventBridge: the default event bus with its rules and targets, and EventBridge
// Scheduler.
package events

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// Options of a bus.
type Options struct {
	Targets Targets
	// Latency is the time from an event to its delivery; each delivery takes between half of it and one and a half.
	// 50 ms when zero.
	Latency time.Duration
	// Deliveries, when not nil, decides when an event reaches a target: usual is the one delay it would have. No delay
	// drops the event, two deliver it twice, unequal ones reorder events.
	Deliveries func(rule, targetID string, event Envelope, usual time.Duration) []time.Duration
	// Observe, when not nil, receives each event before its delivery.
	Observe func(Envelope)
}

// Envelope is an event as targets see it.
type Envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// The parts of rules, as templates hold them and the API names them.
type (
	// Rule sends the events that match its pattern, or the ticks of its schedule, to its targets.
	Rule = template.Rule
	// Target of a rule.
	Target = template.Target
	// InputTransformer makes a target's input of an event.
	InputTransformer = template.InputTransformer
	// RetryPolicy is how often and how long a target that refuses is tried again: 185 times and 24 hours when nil.
	RetryPolicy = template.RetryPolicy
	// DeadLetterConfig names the queue of what could not be delivered.
	DeadLetterConfig = template.DeadLetterConfig
)

const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
)

type rule struct {
	Rule
	pattern *Pattern      // nil without one
	stop    chan struct{} // of the schedule; nil without one
}

// Bus is the default event bus of one account.
type Bus struct {
	account    *wire.Account
	options    Options
	http       http.Handler
	dispatcher *dispatcher

	mu      sync.Mutex
	rules   map[string]*rule
	archive []Envelope
}

// NewBus returns a bus without rules.
func NewBus(account *wire.Account, options Options) *Bus {
	options.Latency = cmp.Or(options.Latency, 50*time.Millisecond)
	b := &Bus{
		account: account, options: options, rules: map[string]*rule{},
		dispatcher: newDispatcher(account, "events.amazonaws.com", options.Targets),
	}
	b.http = wire.JSON(b.operations())
	return b
}

// ServeHTTP serves the JSON protocol.
func (b *Bus) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.http.ServeHTTP(w, r) }

// Close ends schedules and deliveries and waits for them.
func (b *Bus) Close() { b.dispatcher.close() }

// Events returns what the bus has received, oldest first, the last 10,000 at most.
func (b *Bus) Events() []Envelope {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.archive)
}

// Put puts an event of a service on the bus; it is a [wire.Sink]. A detail that is not JSON is a mistake of the
// service, and panics.
func (b *Bus) Put(e wire.Event) {
	b.put(b.envelope(e.Source, e.DetailType, e.Resources, mustJSON(e.Detail), time.Now()))
}

func (b *Bus) envelope(source, detailType string, resources []string, detail json.RawMessage, t time.Time) Envelope {
	if resources == nil {
		resources = []string{}
	}
	return Envelope{
		Version: "0", ID: b.account.IDs.UUID(), DetailType: detailType, Source: source, Account: b.account.ID,
		Time: t.UTC().Format(time.RFC3339), Region: b.account.Region, Resources: resources, Detail: detail,
	}
}

func (b *Bus) put(e Envelope) {
	event := mustJSON(e)
	if b.options.Observe != nil {
		b.options.Observe(e)
	}
	b.mu.Lock()
	b.keep(e)
	var matching []Rule
	for _, name := range slices.Sorted(maps.Keys(b.rules)) {
		if r := b.rules[name]; r.State == enabled && r.pattern != nil && r.pattern.Match(event) {
			matching = append(matching, r.Rule)
		}
	}
	b.mu.Unlock()
	for _, r := range matching {
		b.fire(r, e, event)
	}
}

// keep archives an event. The caller holds the lock.
func (b *Bus) keep(e Envelope) {
	const archived = 10_000
	b.archive = append(b.archive, e)
	b.archive = b.archive[max(0, len(b.archive)-archived):]
}

// fire delivers an event to the targets of a rule, each after its own delay.
func (b *Bus) fire(r Rule, e Envelope, event []byte) {
	ingested := time.Now().UTC().Format(time.RFC3339)
	for _, t := range r.Targets {
		usual := time.Duration((0.5 + b.account.IDs.Float64()) * float64(b.options.Latency))
		delays := []time.Duration{usual}
		if b.options.Deliveries != nil {
			delays = b.options.Deliveries(r.Name, t.ID, e, usual)
		}
		for _, delay := range delays {
			p := b.parcel(r, t, e, event, ingested)
			b.dispatcher.start(func() {
				if b.dispatcher.sleep(delay) {
					b.dispatcher.deliver(p)
				}
			})
		}
	}
}

func (b *Bus) parcel(r Rule, t Target, e Envelope, event []byte, ingested string) parcel {
	arn := b.arn(r.Name)
	p := parcel{
		source: arn, target: t.ARN, role: t.RoleARN, name: e.ID + "_" + b.account.IDs.UUID(),
		payload: func(int) ([]byte, error) { return input(t, event, arn, r.Name, ingested) },
		letter: func(f failure) ([]byte, map[string]string) {
			attributes := f.attributes()
			attributes["RULE_ARN"], attributes["TARGET_ARN"] = arn, t.ARN
			return event, attributes
		},
	}
	if t.RetryPolicy != nil {
		p.retry = *t.RetryPolicy
	}
	if t.DeadLetterConfig != nil {
		p.dead = *t.DeadLetterConfig
	}
	return p
}

func (b *Bus) arn(rule string) string { return b.account.ARN("events", "rule/"+rule) }

var ruleName = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

// PutRule adds or replaces a rule. The targets of a rule that exists stay when r has none.
func (b *Bus) PutRule(r Rule) error {
	compiled := &rule{Rule: r}
	compiled.State = cmp.Or(r.State, enabled)
	switch {
	case !ruleName.MatchString(r.Name):
		return wire.Errorf("ValidationException", "Value %q at 'name' is not a rule's name", r.Name)
	case compiled.State != enabled && compiled.State != disabled:
		return wire.Errorf("ValidationException", "the local double does not know the state %s", r.State)
	case len(r.EventPattern) == 0 && r.ScheduleExpression == "":
		return wire.Errorf("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	var err error
	if len(r.EventPattern) > 0 {
		if compiled.pattern, err = ParsePattern(r.EventPattern); err != nil {
			return err
		}
	}
	var expression Expression
	if r.ScheduleExpression != "" {
		expression, err = ParseExpression(r.ScheduleExpression, time.UTC, time.Now())
		if err != nil || strings.HasPrefix(r.ScheduleExpression, "at(") {
			return wire.Errorf("ValidationException", "Parameter ScheduleExpression is not valid.")
		}
		compiled.stop = make(chan struct{})
	}
	if err := b.checkTargets(r.Targets); err != nil {
		return err
	}
	b.mu.Lock()
	if old := b.rules[r.Name]; old != nil {
		if old.stop != nil {
			close(old.stop)
		}
		if r.Targets == nil {
			compiled.Targets = old.Targets
		}
	}
	b.rules[r.Name] = compiled
	b.mu.Unlock()
	if expression != nil {
		b.dispatcher.start(func() {
			b.dispatcher.loop(expression, compiled.stop, func(scheduled time.Time) { b.tick(r.Name, scheduled, false) })
		})
	}
	return nil
}

func (b *Bus) checkTargets(targets []Target) error {
	for _, t := range targets {
		if t.ID == "" {
			return wire.Errorf("ValidationException", "a target has no Id")
		}
		if err := b.options.Targets.check(t.ARN, t.RoleARN); err != nil {
			return err
		}
		if err := validateInput(t); err != nil {
			return err
		}
	}
	return nil
}

// RunNow fires a rule's schedule at once, even if the rule is disabled.
func (b *Bus) RunNow(name string) error {
	if _, err := b.rule(name); err != nil {
		return err
	}
	b.tick(name, time.Now(), true)
	return nil
}

func (b *Bus) tick(name string, scheduled time.Time, always bool) {
	r, err := b.rule(name)
	if err != nil || r.State != enabled && !always {
		return
	}
	e := b.envelope("aws.events", "Scheduled Event", []string{b.arn(name)}, json.RawMessage("{}"), scheduled)
	b.mu.Lock()
	b.keep(e)
	b.mu.Unlock()
	b.fire(r, e, mustJSON(e))
}

// rule returns a copy.
func (b *Bus) rule(name string) (Rule, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, ok := b.rules[name]
	if !ok {
		return Rule{}, wire.Errorf("ResourceNotFoundException", "Rule %s does not exist on EventBus default.", name)
	}
	return r.Rule, nil
}

func (b *Bus) operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"PutEvents":         wire.Strict(b.putEvents),
		"TestEventPattern":  wire.Strict(b.testEventPattern),
		"ListRules":         wire.Strict(b.listRules),
		"DescribeRule":      wire.Strict(b.describeRule),
		"ListTargetsByRule": wire.Strict(b.listTargetsByRule),
		"PutRule":           wire.Strict(b.putRule),
		"PutTargets":        wire.Strict(b.putTargets),
		"EnableRule": wire.Strict(func(ctx context.Context, in ruleInput) (any, error) {
			return nil, b.setState(ctx, in, "events:EnableRule", enabled)
		}),
		"DisableRule": wire.Strict(func(ctx context.Context, in ruleInput) (any, error) {
			return nil, b.setState(ctx, in, "events:DisableRule", disabled)
		}),
	}
}

// checkBus refuses buses other than the default one.
func (b *Bus) checkBus(name string) error {
	if name == "" || name == "default" || name == b.account.ARN("events", "event-bus/default") {
		return nil
	}
	return wire.Errorf("ResourceNotFoundException", "Event bus %s does not exist.", name)
}

type putEventsEntry struct {
	Time         *float64
	Source       string
	Resources    []string
	DetailType   string
	Detail       string
	EventBusName string
	TraceHeader  string
}

type putEventsInput struct{ Entries []putEventsEntry }

type putEventsResult struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

type putEventsOutput struct {
	FailedEntryCount int
	Entries          []putEventsResult
}

// putEvents refuses bad entries one by one:
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func (b *Bus) putEvents(ctx context.Context, in putEventsInput) (*putEventsOutput, error) {
	const maxSize = 256 << 10
	if n := len(in.Entries); n < 1 || n > 10 {
		return nil, wire.Errorf("ValidationException",
			"Value at 'entries' failed to satisfy constraint: Member must have length between 1 and 10")
	}
	size := 0
	for _, e := range in.Entries {
		size += e.size()
		if err := b.checkBus(e.EventBusName); err != nil {
			return nil, err
		}
		conditions := map[string]string{"events:source": e.Source, "events:detail-type": e.DetailType}
		bus := b.account.ARN("events", "event-bus/default")
		if err := wire.Authorize(ctx, "events:PutEvents", bus, conditions); err != nil {
			return nil, err
		}
	}
	if size >= maxSize {
		return nil, wire.Errorf("ValidationException", "Total size of the entries in the request is over the limit.")
	}
	out := &putEventsOutput{}
	for _, e := range in.Entries {
		result := e.refuse()
		if result.ErrorCode != "" {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, result)
			continue
		}
		t := time.Now()
		if e.Time != nil {
			seconds, fraction := math.Modf(*e.Time)
			t = time.Unix(int64(seconds), int64(fraction*1e9))
		}
		envelope := b.envelope(e.Source, e.DetailType, e.Resources, json.RawMessage(e.Detail), t)
		b.put(envelope)
		out.Entries = append(out.Entries, putEventsResult{EventId: envelope.ID})
	}
	return out, nil
}

func (e putEventsEntry) size() int {
	size := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		size += 14
	}
	for _, r := range e.Resources {
		size += len(r)
	}
	return size
}

func (e putEventsEntry) refuse() putEventsResult {
	var detail map[string]any
	missing := func(name string) putEventsResult {
		return putEventsResult{
			ErrorCode:    "InvalidArgument",
			ErrorMessage: fmt.Sprintf("Parameter %s is not valid. Reason: %s is a required argument.", name, name),
		}
	}
	switch {
	case e.Source == "":
		return missing("Source")
	case e.DetailType == "":
		return missing("DetailType")
	case e.Detail == "":
		return missing("Detail")
	case strings.HasPrefix(e.Source, "aws."):
		return putEventsResult{
			ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source.",
		}
	case json.Unmarshal([]byte(e.Detail), &detail) != nil:
		return putEventsResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	return putEventsResult{}
}

type testEventPatternInput struct{ EventPattern, Event string }

func (b *Bus) testEventPattern(ctx context.Context, in testEventPatternInput) (any, error) {
	if err := wire.Authorize(ctx, "events:TestEventPattern", "*", nil); err != nil {
		return nil, err
	}
	pattern, err := ParsePattern([]byte(in.EventPattern))
	if err != nil {
		return nil, err
	}
	return struct{ Result bool }{pattern.Match([]byte(in.Event))}, nil
}

// ruleInput names a rule. DescribeRule, EnableRule and DisableRule take it.
type ruleInput struct{ Name, EventBusName string }

// describedRule is a rule as the API shows it.
type describedRule struct {
	Name               string
	Arn                string
	Description        string `json:",omitempty"`
	EventPattern       string `json:",omitempty"`
	ScheduleExpression string `json:",omitempty"`
	State              string
	EventBusName       string
}

func (b *Bus) describe(r Rule) describedRule {
	return describedRule{
		r.Name, b.arn(r.Name), r.Description, string(r.EventPattern), r.ScheduleExpression, r.State, "default",
	}
}

func (b *Bus) describeRule(ctx context.Context, in ruleInput) (any, error) {
	r, err := b.authorized(ctx, in.Name, in.EventBusName, "events:DescribeRule")
	if err != nil {
		return nil, err
	}
	return b.describe(r), nil
}

func (b *Bus) authorized(ctx context.Context, name, bus, action string) (Rule, error) {
	if err := b.checkBus(bus); err != nil {
		return Rule{}, err
	}
	if err := wire.Authorize(ctx, action, b.arn(name), nil); err != nil {
		return Rule{}, err
	}
	return b.rule(name)
}

// page of a list: the API's Limit and NextToken.
func page[T any](all []T, limit int, token string) (part []T, next string, err error) {
	from := 0
	if token != "" {
		if _, err := fmt.Sscanf(token, "%d", &from); err != nil || from < 0 || from > len(all) {
			return nil, "", wire.Errorf("ValidationException", "The token is invalid.")
		}
	}
	to := len(all)
	if limit > 0 && from+limit < to {
		to = from + limit
		next = fmt.Sprint(to)
	}
	return all[from:to], next, nil
}

type listRulesInput struct {
	NamePrefix, EventBusName, NextToken string
	Limit                               int
}

func (b *Bus) listRules(ctx context.Context, in listRulesInput) (any, error) {
	if err := b.checkBus(in.EventBusName); err != nil {
		return nil, err
	}
	if err := wire.Authorize(ctx, "events:ListRules", b.account.ARN("events", "rule/*"), nil); err != nil {
		return nil, err
	}
	rules := []describedRule{}
	b.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(b.rules)) {
		if strings.HasPrefix(name, in.NamePrefix) {
			rules = append(rules, b.describe(b.rules[name].Rule))
		}
	}
	b.mu.Unlock()
	rules, next, err := page(rules, in.Limit, in.NextToken)
	return struct {
		Rules     []describedRule
		NextToken string `json:",omitempty"`
	}{rules, next}, err
}

type listTargetsInput struct {
	Rule, EventBusName, NextToken string
	Limit                         int
}

func (b *Bus) listTargetsByRule(ctx context.Context, in listTargetsInput) (any, error) {
	r, err := b.authorized(ctx, in.Rule, in.EventBusName, "events:ListTargetsByRule")
	if err != nil {
		return nil, err
	}
	targets, next, err := page(r.Targets, in.Limit, in.NextToken)
	return struct {
		Targets   []Target
		NextToken string `json:",omitempty"`
	}{targets, next}, err
}

type putRuleInput struct {
	Name, Description, EventPattern, ScheduleExpression, State, EventBusName string
}

func (b *Bus) putRule(ctx context.Context, in putRuleInput) (any, error) {
	if err := b.checkBus(in.EventBusName); err != nil {
		return nil, err
	}
	if err := wire.Authorize(ctx, "events:PutRule", b.arn(in.Name), nil); err != nil {
		return nil, err
	}
	r := Rule{
		Name: in.Name, Description: in.Description, EventPattern: json.RawMessage(in.EventPattern),
		ScheduleExpression: in.ScheduleExpression, State: in.State,
	}
	if err := b.PutRule(r); err != nil {
		return nil, err
	}
	return struct{ RuleArn string }{b.arn(in.Name)}, nil
}

type putTargetsInput struct {
	Rule, EventBusName string
	Targets            []Target
}

func (b *Bus) putTargets(ctx context.Context, in putTargetsInput) (any, error) {
	if _, err := b.authorized(ctx, in.Rule, in.EventBusName, "events:PutTargets"); err != nil {
		return nil, err
	}
	for _, t := range in.Targets {
		if t.RoleARN == "" {
			continue
		}
		to := map[string]string{"iam:PassedToService": "events.amazonaws.com"}
		if err := wire.Authorize(ctx, "iam:PassRole", t.RoleARN, to); err != nil {
			return nil, err
		}
	}
	if err := b.PutTargets(in.Rule, in.Targets...); err != nil {
		return nil, err
	}
	return struct {
		FailedEntryCount int
		FailedEntries    []any
	}{0, []any{}}, nil
}

// PutTargets adds targets to a rule, or replaces those with the same id.
func (b *Bus) PutTargets(name string, targets ...Target) error {
	if err := b.checkTargets(targets); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r, ok := b.rules[name]
	if !ok {
		return wire.Errorf("ResourceNotFoundException", "Rule %s does not exist on EventBus default.", name)
	}
	all := slices.Clone(r.Targets) // deliveries under way keep theirs
	for _, t := range targets {
		if i := slices.IndexFunc(all, func(old Target) bool { return old.ID == t.ID }); i >= 0 {
			all[i] = t
		} else {
			all = append(all, t)
		}
	}
	r.Targets = all
	return nil
}

func (b *Bus) setState(ctx context.Context, in ruleInput, action, state string) error {
	if _, err := b.authorized(ctx, in.Name, in.EventBusName, action); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules[in.Name].State = state
	return nil
}
