package template

import (
	"cmp"
	"encoding/json"
	"errors"

	"userdrop/localaws/iam"
)

func buildTopic(l *loader, r *Resource) error {
	var p struct {
		TopicName, DisplayName, KmsMasterKeyId string
		Subscription                           []Subscription
		_                                      any `cfn:"Tags TracingConfig SignatureVersion"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	t := &Topic{
		LogicalID: r.LogicalID, DisplayName: p.DisplayName, KMSKey: p.KmsMasterKeyId, Subscriptions: p.Subscription,
	}
	t.Name, t.ARN = l.names(r, "TopicArn")
	l.stack.Topics = append(l.stack.Topics, t)
	return nil
}

func (l *loader) topic(r *Resource, arn string) (*Topic, error) {
	if t := find(l.stack.Topics, func(t *Topic) bool { return t.ARN == arn }); t != nil {
		return t, nil
	}
	return nil, r.nothing("topic", arn)
}

func buildTopicPolicy(l *loader, r *Resource) error {
	var p struct {
		Topics         []string
		PolicyDocument any
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	d, err := policyOf(r, get(r.props, "PolicyDocument"), iam.ResourcePolicy)
	if err != nil {
		return err
	}
	var errs []error
	for _, arn := range p.Topics {
		t, err := l.topic(r, arn)
		if err == nil {
			err = attach(r, &t.Policy, d)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func buildSubscription(l *loader, r *Resource) error {
	var p struct{ TopicArn, Protocol, Endpoint string }
	if err := r.decode(&p); err != nil {
		return err
	}
	t, err := l.topic(r, p.TopicArn)
	if err != nil {
		return err
	}
	t.Subscriptions = append(t.Subscriptions, Subscription{Protocol: p.Protocol, Endpoint: p.Endpoint})
	return r.need("Protocol", p.Protocol, "Endpoint", p.Endpoint)
}

func buildRule(l *loader, r *Resource) error {
	var p struct {
		Name, EventBusName, ScheduleExpression, State string
		RoleARN                                       string `cfn:"RoleArn"`
		EventPattern                                  json.RawMessage
		Targets                                       []Target
		Description                                   string
		_                                             any `cfn:"Tags"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	rule := &Rule{
		LogicalID: r.LogicalID, Description: p.Description, EventPattern: p.EventPattern,
		ScheduleExpression: p.ScheduleExpression, State: cmp.Or(p.State, "ENABLED"), RoleARN: p.RoleARN, Targets: p.Targets,
	}
	rule.Name, rule.ARN = l.names(r, "Arn")
	rule.EventBus, _ = busOf(l, r)
	l.stack.Rules = append(l.stack.Rules, rule)
	errs := []error{r.oneOf("State", p.State, "ENABLED", "DISABLED")}
	if p.EventPattern == nil && p.ScheduleExpression == "" {
		errs = append(errs, errorAt(r.props, "%s: EventPattern or ScheduleExpression is required", r.LogicalID))
	}
	if len(p.Targets) > 5 {
		errs = append(errs, errorAt(r.props, "%s: a rule has at most 5 targets", r.LogicalID))
	}
	ids := map[string]bool{}
	for i, t := range p.Targets {
		n := get(r.props, "Targets").Content[i]
		inputs := 0
		for _, set := range []bool{t.Input != "", t.InputPath != "", t.InputTransformer != nil} {
			if set {
				inputs++
			}
		}
		switch {
		case t.ID == "" || t.ARN == "":
			errs = append(errs, errorAt(n, "%s: a target needs an Id and an Arn", r.LogicalID))
		case ids[t.ID]:
			errs = append(errs, errorAt(n, "%s: two targets have the Id %s", r.LogicalID, t.ID))
		case inputs > 1:
			errs = append(errs, errorAt(n, "%s: Input, InputPath and InputTransformer exclude each other", r.LogicalID))
		}
		ids[t.ID] = true
	}
	return errors.Join(errs...)
}

func buildSchedule(l *loader, r *Resource) error {
	var p struct {
		Name, GroupName, Description                          string
		ScheduleExpression, ScheduleExpressionTimezone, State string
		FlexibleTimeWindow                                    FlexibleTimeWindow
		Target                                                ScheduleTarget
		_                                                     any `cfn:"KmsKeyArn"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	s := &Schedule{
		LogicalID: r.LogicalID, GroupName: cmp.Or(p.GroupName, "default"), Description: p.Description,
		ScheduleExpression:         p.ScheduleExpression,
		ScheduleExpressionTimezone: cmp.Or(p.ScheduleExpressionTimezone, "UTC"), State: cmp.Or(p.State, "ENABLED"),
		FlexibleTimeWindow: p.FlexibleTimeWindow, Target: p.Target,
	}
	s.Name, s.ARN = l.names(r, "Arn")
	l.stack.Schedules = append(l.stack.Schedules, s)
	return errors.Join(
		r.need("ScheduleExpression", p.ScheduleExpression, "FlexibleTimeWindow", p.FlexibleTimeWindow.Mode,
			"Target", p.Target.ARN, "Target.RoleArn", p.Target.RoleARN),
		r.oneOf("FlexibleTimeWindow", p.FlexibleTimeWindow.Mode, "OFF", "FLEXIBLE"),
		r.oneOf("State", p.State, "ENABLED", "DISABLED"),
	)
}
