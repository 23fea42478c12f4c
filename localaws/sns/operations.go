package sns

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"userdrop/localaws/wire"
)

// named brings the refusal of a caller to the name that SNS has for it.
func named(operation wire.QueryOperation) wire.QueryOperation {
	return func(ctx context.Context, f *wire.Form) (any, error) {
		result, err := operation(ctx, f)
		if e, ok := errors.AsType[*wire.Error](err); ok && e.Code == "AccessDeniedException" {
			err = &wire.Error{Code: "AuthorizationError", Message: e.Message, Status: http.StatusForbidden}
		}
		return result, err
	}
}

func (s *Service) publish(ctx context.Context, f *wire.Form) (any, error) {
	m := Message{TopicARN: f.Take("TopicArn"), Subject: f.Take("Subject"), Body: f.Take("Message")}
	const value = "Value."
	for _, e := range f.Entries("MessageAttributes", "Name", value+"DataType", value+"StringValue") {
		if m.Attributes == nil {
			m.Attributes = map[string]Attribute{}
		}
		m.Attributes[e[0]] = Attribute{Type: e[1], Value: e[2]}
	}
	if err := f.Finish(); err != nil {
		return nil, err
	}
	m, err := s.Publish(ctx, m)
	if err != nil {
		return nil, err
	}
	return struct {
		MessageID string `xml:"MessageId"`
	}{MessageID: m.ID}, nil
}

func (s *Service) subscribe(ctx context.Context, f *wire.Form) (any, error) {
	sub := Subscription{TopicARN: f.Take("TopicArn"), Protocol: f.Take("Protocol"), Endpoint: f.Take("Endpoint")}
	whole := f.Take("ReturnSubscriptionArn") == "true"
	for _, e := range f.Entries("Attributes", "key", "value") {
		if e[0] != "RawMessageDelivery" {
			return nil, wire.Errorf("InvalidParameter", "Invalid parameter: the local double does not know %s", e[0])
		}
		sub.Raw = e[1] == "true"
	}
	if err := f.Finish(); err != nil {
		return nil, err
	}
	sub, err := s.Subscribe(ctx, sub)
	if err != nil {
		return nil, err
	}
	if sub.Token != "" && !whole {
		sub.ARN = "pending confirmation"
	}
	return struct {
		ARN string `xml:"SubscriptionArn"`
	}{ARN: sub.ARN}, nil
}

func (s *Service) confirmSubscription(ctx context.Context, f *wire.Form) (any, error) {
	topic, token := f.Take("TopicArn"), f.Take("Token")
	if err := f.Finish(); err != nil {
		return nil, err
	}
	if err := wire.Authorize(ctx, "sns:ConfirmSubscription", topic, nil); err != nil {
		return nil, err
	}
	if err := s.topic(topic); err != nil {
		return nil, err
	}
	sub, err := s.Confirm(topic, token)
	if err != nil {
		return nil, err
	}
	return struct {
		ARN string `xml:"SubscriptionArn"`
	}{ARN: sub.ARN}, nil
}

func (s *Service) listTopics(ctx context.Context, f *wire.Form) (any, error) {
	if err := f.Finish(); err != nil {
		return nil, err
	}
	if err := wire.Authorize(ctx, "sns:ListTopics", "*", nil); err != nil {
		return nil, err
	}
	type member struct {
		ARN string `xml:"TopicArn"`
	}
	out := struct {
		Topics []member `xml:"Topics>member"`
	}{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, arn := range slices.Sorted(maps.Keys(s.topics)) {
		out.Topics = append(out.Topics, member{arn})
	}
	return out, nil
}

type subscriptionMember struct {
	ARN      string `xml:"SubscriptionArn"`
	Owner    string `xml:"Owner"`
	Protocol string `xml:"Protocol"`
	Endpoint string `xml:"Endpoint"`
	TopicARN string `xml:"TopicArn"`
}

func (s *Service) members(topic string) []subscriptionMember {
	s.mu.Lock()
	defer s.mu.Unlock()
	var members []subscriptionMember
	for _, sub := range s.subscriptions {
		if topic == "" || sub.TopicARN == topic {
			if sub.Token != "" {
				sub.ARN = "PendingConfirmation"
			}
			members = append(members,
				subscriptionMember{sub.ARN, s.account.ID, sub.Protocol, sub.Endpoint, sub.TopicARN})
		}
	}
	return members
}

func (s *Service) listSubscriptions(ctx context.Context, f *wire.Form) (any, error) {
	if err := f.Finish(); err != nil {
		return nil, err
	}
	if err := wire.Authorize(ctx, "sns:ListSubscriptions", "*", nil); err != nil {
		return nil, err
	}
	return struct {
		Subscriptions []subscriptionMember `xml:"Subscriptions>member"`
	}{Subscriptions: s.members("")}, nil
}

func (s *Service) listSubscriptionsByTopic(ctx context.Context, f *wire.Form) (any, error) {
	topic := f.Take("TopicArn")
	if err := f.Finish(); err != nil {
		return nil, err
	}
	if err := wire.Authorize(ctx, "sns:ListSubscriptionsByTopic", topic, nil); err != nil {
		return nil, err
	}
	if err := s.topic(topic); err != nil {
		return nil, err
	}
	return struct {
		Subscriptions []subscriptionMember `xml:"Subscriptions>member"`
	}{Subscriptions: s.members(topic)}, nil
}
