// Package events plays Amazon EventBridge: the default event bus with its rules and targets, and EventBridge
// Scheduler.
package events

import (
	"cmp"
	"encoding/json"
	"maps"
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
	api        *wire.API
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
	b.api = wire.JSON(b.operations())
	return b
}

// ServeHTTP serves the JSON protocol.
func (b *Bus) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.api.ServeHTTP(w, r) }

// Operations returns the names of the operations, sorted.
func (b *Bus) Operations() []string { return b.api.Operations() }

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

// Limits of https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html.
const (
	maxPattern = 4096 // characters
	maxTargets = 5    // of a rule
)

var errTooManyTargets = wire.Errorf("LimitExceededException",
	"The requested resource exceeds the maximum number allowed.")

var ruleName = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

// PutRule adds or replaces a rule. The targets of a rule that exists stay when r has none.
func (b *Bus) PutRule(r Rule) error {
	compiled := &rule{Rule: r}
	compiled.State = cmp.Or(r.State, enabled)
	switch {
	case !ruleName.MatchString(r.Name):
		return wire.Errorf("ValidationException", "Value %q at 'name' is not a rule's name", r.Name)
	case r.EventBus != "" && r.EventBus != "default":
		return wire.Errorf("ValidationException", "the local double does not know the event bus %s", r.EventBus)
	case compiled.State != enabled && compiled.State != disabled:
		return wire.Errorf("ValidationException", "the local double does not know the state %s", r.State)
	case len(r.EventPattern) > maxPattern:
		return wire.Errorf("ValidationException", "1 validation error detected: Value at 'eventPattern' failed to satisfy "+
			"constraint: Member must have length less than or equal to %d", maxPattern)
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
	if len(targets) > maxTargets {
		return errTooManyTargets
	}
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
	if len(all) > maxTargets {
		return errTooManyTargets
	}
	r.Targets = all
	return nil
}
