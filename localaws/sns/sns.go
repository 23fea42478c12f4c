// Package sns plays the part of Amazon SNS that a publisher needs: topics, their subscriptions, and Publish over the
// Query protocol. What is sent to a confirmed address of mail is only recorded.
package sns

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const (
	maxMessage = 256 << 10
	maxSubject = 100
)

// Options are what the service needs of its surroundings. Each may be nil.
type Options struct {
	// Queue receives what is published to a subscription of protocol sqs.
	Queue func(ctx context.Context, queueARN string, body []byte) error
	// Lambda receives what is published to a subscription of protocol lambda.
	Lambda func(ctx context.Context, functionARN string, event []byte) error
	// Principal is the service as a caller on behalf of a topic.
	Principal func(service, sourceARN string) wire.Principal
}

// Delivery says what became of a message for one subscription.
type Delivery struct {
	MessageID    string
	Subscription Subscription
	Err          error
}

// Subscription of a topic; Protocol is email, email-json, lambda or sqs.
type Subscription struct {
	ARN      string
	TopicARN string
	Protocol string
	Endpoint string
	Raw      bool // RawMessageDelivery
	// Token is what the mail to a new address carries, until the address confirms the subscription by it.
	Token string
}

// Service is the SNS of one account.
type Service struct {
	*wire.API // the Query protocol

	account *wire.Account
	options Options

	mu            sync.Mutex
	topics        map[string]bool
	keys          map[string]string // of topics behind a customer managed key
	subscriptions []Subscription
	messages      []Message
	deliveries    []Delivery
}

// New returns a service without topics.
func New(account *wire.Account, options Options) *Service {
	s := &Service{account: account, options: options, topics: map[string]bool{}, keys: map[string]string{}}
	s.API = wire.Query("http://sns.amazonaws.com/doc/2010-03-31/", "2010-03-31", map[string]wire.QueryOperation{
		"Publish":                  named(s.publish),
		"ConfirmSubscription":      named(s.confirmSubscription),
		"Subscribe":                named(s.subscribe),
		"ListTopics":               named(s.listTopics),
		"ListSubscriptions":        named(s.listSubscriptions),
		"ListSubscriptionsByTopic": named(s.listSubscriptionsByTopic),
	})
	return s
}

// Create adds a topic of a template with its subscriptions.
func (s *Service) Create(ctx context.Context, t template.Topic) error {
	arn := s.CreateTopic(t.Name)
	s.mu.Lock()
	s.keys[arn] = t.KMSKey
	s.mu.Unlock()
	var errs []error
	for _, sub := range t.Subscriptions {
		_, err := s.Subscribe(ctx, Subscription{TopicARN: arn, Protocol: sub.Protocol, Endpoint: sub.Endpoint})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// CreateTopic adds a topic and returns its ARN.
func (s *Service) CreateTopic(name string) string {
	arn := s.account.ARN("sns", name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.topics[arn] = true
	return arn
}

// Messages returns what was published, oldest first, the last 10,000 at most.
func (s *Service) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Deliveries returns what was handed to subscribers, oldest first, the last 10,000 at most.
func (s *Service) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deliveries)
}

func (s *Service) topic(arn string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.topics[arn] {
		return &wire.Error{Code: "NotFound", Message: "Topic does not exist", Status: http.StatusNotFound}
	}
	return nil
}

// Publish sends a message to a topic. ID and Time are the service's to set.
func (s *Service) Publish(ctx context.Context, m Message) (Message, error) {
	if err := wire.Authorize(ctx, "sns:Publish", m.TopicARN, nil); err != nil {
		return Message{}, err
	}
	if err := s.topic(m.TopicARN); err != nil {
		return Message{}, err
	}
	s.mu.Lock()
	key := s.keys[m.TopicARN]
	s.mu.Unlock()
	// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
	if err := wire.AuthorizeKey(ctx, key, wire.GenerateDataKey, wire.Decrypt); err != nil {
		return Message{}, err
	}
	if err := m.validate(); err != nil {
		return Message{}, err
	}
	m.ID, m.Time = s.account.IDs.UUID(), time.Now()
	s.mu.Lock()
	s.messages = archive(s.messages, m)
	var subscribers []Subscription
	for _, sub := range s.subscriptions {
		if sub.TopicARN == m.TopicARN && sub.Token == "" {
			subscribers = append(subscribers, sub)
		}
	}
	s.mu.Unlock()
	for _, sub := range subscribers {
		err := s.deliver(sub, m)
		s.mu.Lock()
		s.deliveries = archive(s.deliveries, Delivery{m.ID, sub, err})
		s.mu.Unlock()
	}
	return m, nil
}

func archive[T any](list []T, item T) []T {
	list = append(list, item)
	return list[max(0, len(list)-10_000):]
}

// Subscriptions returns all subscriptions, in the order in which they were made. Those that nobody has confirmed yet
// have a token.
func (s *Service) Subscriptions() []Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.subscriptions)
}

// Confirm confirms the subscription with the token, as the link in its mail does.
func (s *Service) Confirm(topicARN, token string) (Subscription, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.subscriptions {
		if sub := &s.subscriptions[i]; token != "" && sub.TopicARN == topicARN && sub.Token == token {
			sub.Token = ""
			return *sub, nil
		}
	}
	return Subscription{}, wire.Errorf("InvalidParameter", "Invalid parameter: Token")
}

// Subscribe adds a subscription. One of an address of mail waits for its confirmation, all others are confirmed.
func (s *Service) Subscribe(ctx context.Context, sub Subscription) (Subscription, error) {
	if err := wire.Authorize(ctx, "sns:Subscribe", sub.TopicARN, nil); err != nil {
		return Subscription{}, err
	}
	if err := s.topic(sub.TopicARN); err != nil {
		return Subscription{}, err
	}
	switch {
	case sub.Protocol == "email", sub.Protocol == "email-json",
		sub.Protocol == "sqs" && s.options.Queue != nil, sub.Protocol == "lambda" && s.options.Lambda != nil:
	default:
		return Subscription{}, wire.Errorf("InvalidParameter",
			"Invalid parameter: the local double does not know the protocol %q", sub.Protocol)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range s.subscriptions {
		if old.TopicARN == sub.TopicARN && old.Protocol == sub.Protocol && old.Endpoint == sub.Endpoint {
			return old, nil
		}
	}
	sub.ARN = sub.TopicARN + ":" + s.account.IDs.UUID()
	if strings.HasPrefix(sub.Protocol, "email") {
		sub.Token = s.account.IDs.Draw("0123456789abcdef", 64)
	}
	s.subscriptions = append(s.subscriptions, sub)
	return sub, nil
}
