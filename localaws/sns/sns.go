// Package sns plays the part of Amazon SNS that a publisher needs: topics, their subscriptions, and Publish over the
// Query protocol. What is sent to a confirmed address of mail is only recorded.
package sns

import (
	"context"
	"encoding/json"
	"errors"
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

// Attribute is a message attribute.
type Attribute struct {
	Type  string
	Value string
}

// Message is what was published.
type Message struct {
	ID         string
	TopicARN   string
	Subject    string
	Body       string
	Attributes map[string]Attribute
	Time       time.Time
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

func (m Message) validate() error {
	invalid := func(reason string) error { return wire.Errorf("InvalidParameter", "Invalid parameter: %s", reason) }
	size := len(m.Body)
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		a := m.Attributes[name]
		size += len(name) + len(a.Type) + len(a.Value)
		if kind, _, _ := strings.Cut(a.Type, "."); kind != "String" && kind != "Number" {
			return invalid("the local double does not know the message attribute type " + strconv.Quote(a.Type))
		}
		if a.Value == "" {
			return wire.Errorf("ParameterValueInvalid",
				"The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.",
				name, a.Type)
		}
	}
	switch {
	case m.Body == "":
		return invalid("Empty message")
	case size > maxMessage:
		return invalid("Message too long")
	case !validSubject(m.Subject):
		return invalid("Subject")
	}
	return nil
}

// validSubject: ASCII text that begins with a letter, number or punctuation mark, without line breaks or control
// characters, at most 100 characters.
func validSubject(subject string) bool {
	if len(subject) > maxSubject || strings.HasPrefix(subject, " ") {
		return false
	}
	for _, r := range subject {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return true
}

// notification is a message as subscribers see it:
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
type notification struct {
	Type              string
	MessageId         string
	TopicArn          string
	Subject           string `json:",omitempty"`
	Message           string
	Timestamp         string
	SignatureVersion  string
	Signature         string
	SigningCertUrl    string
	UnsubscribeUrl    string
	MessageAttributes map[string]struct{ Type, Value string } `json:",omitempty"`
}

func (s *Service) deliver(sub Subscription, m Message) error {
	ctx := context.Background()
	if s.options.Principal != nil {
		ctx = wire.WithPrincipal(ctx, s.options.Principal("sns.amazonaws.com", m.TopicARN))
	}
	n := notification{
		Type: "Notification", MessageId: m.ID, TopicArn: m.TopicARN, Subject: m.Subject, Message: m.Body,
		Timestamp: m.Time.UTC().Format("2006-01-02T15:04:05.000Z"), SignatureVersion: "1", Signature: "EXAMPLE",
		MessageAttributes: map[string]struct{ Type, Value string }{},
	}
	for name, a := range m.Attributes {
		n.MessageAttributes[name] = struct{ Type, Value string }(a)
	}
	switch sub.Protocol {
	case "sqs":
		if sub.Raw {
			return s.options.Queue(ctx, sub.Endpoint, []byte(m.Body))
		}
		body, err := json.Marshal(n)
		if err != nil {
			return err
		}
		return s.options.Queue(ctx, sub.Endpoint, body)
	case "lambda":
		type record struct {
			EventSource          string
			EventVersion         string
			EventSubscriptionArn string
			Sns                  notification
		}
		event, err := json.Marshal(struct{ Records []record }{[]record{{"aws:sns", "1.0", sub.ARN, n}}})
		if err != nil {
			return err
		}
		return s.options.Lambda(ctx, sub.Endpoint, event)
	}
	return nil // mail is only recorded
}

// Subscriptions returns all subscriptions, in the order in which they were made. Those that nobody has confirmed yet have
// a token.
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
