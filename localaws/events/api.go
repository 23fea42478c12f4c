package events

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"userdrop/localaws/wire"
)

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

func (b *Bus) setState(ctx context.Context, in ruleInput, action, state string) error {
	if _, err := b.authorized(ctx, in.Name, in.EventBusName, action); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules[in.Name].State = state
	return nil
}
