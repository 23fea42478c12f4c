// Package sns plays the part of Amazon SNS that a publisher needs: topics, their subscriptions, and Publish over the
// Query protocol. What is sent to an address of mail is only recorded.
package sns

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"userdrop/internal/localaws/wire"
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
}

// Service is the SNS of one account.
type Service struct {
	account    *wire.Account
	options    Options
	operations map[string]operation

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
	s.operations = map[string]operation{
		"Publish":                  s.publish,
		"Subscribe":                s.subscribe,
		"ListTopics":               s.listTopics,
		"ListSubscriptions":        s.listSubscriptions,
		"ListSubscriptionsByTopic": s.listSubscriptionsByTopic,
	}
	return s
}

// CreateTopic adds a topic and returns its ARN.
func (s *Service) CreateTopic(name string) string {
	arn := s.account.ARN("sns", name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.topics[arn] = true
	return arn
}

// Encrypt puts a topic behind a customer managed key, which publishers must be allowed to use.
func (s *Service) Encrypt(topicARN, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[topicARN] = key
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
		if sub.TopicARN == m.TopicARN {
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

// Subscribe adds a subscription, confirmed at once.
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
	s.subscriptions = append(s.subscriptions, sub)
	return sub, nil
}

// operation answers one call of the Query protocol with what is marshalled inside <NameResult>.
type operation func(ctx context.Context, form *form) (any, error)

// form is the input of a call; what an operation does not read is refused.
type form struct {
	values url.Values
}

func (f *form) take(name string) string {
	value := f.values.Get(name)
	f.values.Del(name)
	return value
}

// entries reads the members of a map: <name>.entry.N.<key> and <name>.entry.N.<value>.
func (f *form) entries(name, key string, values ...string) [][]string {
	var entries [][]string
	for n := 1; ; n++ {
		prefix := fmt.Sprintf("%s.entry.%d.", name, n)
		if !f.values.Has(prefix + key) {
			return entries
		}
		entry := []string{f.take(prefix + key)}
		for _, v := range values {
			entry = append(entry, f.take(prefix+v))
		}
		entries = append(entries, entry)
	}
}

func (f *form) finish() error {
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		return wire.Errorf("InvalidParameter", "Invalid parameter: the local double does not know %s", name)
	}
	return nil
}

const namespace = "http://sns.amazonaws.com/doc/2010-03-31/"

// ServeHTTP serves the Query protocol.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	name, result, err := s.call(w, r)
	id := wire.RequestID(r.Context())
	w.Header().Set("X-Amzn-RequestId", id)
	if err != nil {
		writeError(w, wire.AsError(err), id)
		return
	}
	type metadata struct {
		RequestID string `xml:"RequestId"`
	}
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName  xml.Name
		Result   any
		Metadata metadata `xml:"ResponseMetadata"`
	}{xml.Name{Space: namespace, Local: name + "Response"}, result, metadata{id}})
}

func (s *Service) call(w http.ResponseWriter, r *http.Request) (name string, result any, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, 4*maxMessage)
	if err := r.ParseForm(); err != nil {
		return "", nil, wire.Errorf("InvalidParameter", "Invalid parameter: %v", err)
	}
	f := &form{maps.Clone(r.Form)}
	name = f.take("Action")
	if version := f.take("Version"); version != "2010-03-31" {
		return "", nil, wire.Errorf("NoSuchVersion", "The requested version ( %s ) is not valid.", version)
	}
	op, ok := s.operations[name]
	if !ok {
		return "", nil, wire.Errorf("InvalidAction", "the local double does not know the operation %q", name)
	}
	result, err = op(r.Context(), f)
	return name, result, err
}

func writeError(w http.ResponseWriter, e *wire.Error, requestID string) {
	code, status, blame := e.Code, cmp.Or(e.Status, http.StatusBadRequest), "Sender"
	if code == "AccessDeniedException" {
		code, status = "AuthorizationError", http.StatusForbidden
	}
	if status >= http.StatusInternalServerError {
		blame = "Receiver"
	}
	type inner struct{ Type, Code, Message string }
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName   xml.Name
		Error     inner
		RequestID string `xml:"RequestId"`
	}{xml.Name{Space: namespace, Local: "ErrorResponse"}, inner{blame, code, e.Message}, requestID})
}

func (s *Service) publish(ctx context.Context, f *form) (any, error) {
	m := Message{TopicARN: f.take("TopicArn"), Subject: f.take("Subject"), Body: f.take("Message")}
	const value = "Value."
	for _, e := range f.entries("MessageAttributes", "Name", value+"DataType", value+"StringValue") {
		if m.Attributes == nil {
			m.Attributes = map[string]Attribute{}
		}
		m.Attributes[e[0]] = Attribute{Type: e[1], Value: e[2]}
	}
	if err := f.finish(); err != nil {
		return nil, err
	}
	m, err := s.Publish(ctx, m)
	if err != nil {
		return nil, err
	}
	return struct {
		XMLName   xml.Name `xml:"PublishResult"`
		MessageID string   `xml:"MessageId"`
	}{MessageID: m.ID}, nil
}

func (s *Service) subscribe(ctx context.Context, f *form) (any, error) {
	sub := Subscription{TopicARN: f.take("TopicArn"), Protocol: f.take("Protocol"), Endpoint: f.take("Endpoint")}
	f.take("ReturnSubscriptionArn") // a subscription is confirmed at once, so its ARN is always known
	for _, e := range f.entries("Attributes", "key", "value") {
		if e[0] != "RawMessageDelivery" {
			return nil, wire.Errorf("InvalidParameter", "Invalid parameter: the local double does not know %s", e[0])
		}
		sub.Raw = e[1] == "true"
	}
	if err := f.finish(); err != nil {
		return nil, err
	}
	sub, err := s.Subscribe(ctx, sub)
	if err != nil {
		return nil, err
	}
	return struct {
		XMLName xml.Name `xml:"SubscribeResult"`
		ARN     string   `xml:"SubscriptionArn"`
	}{ARN: sub.ARN}, nil
}

func (s *Service) listTopics(ctx context.Context, f *form) (any, error) {
	if err := f.finish(); err != nil {
		return nil, err
	}
	if err := wire.Authorize(ctx, "sns:ListTopics", "*", nil); err != nil {
		return nil, err
	}
	type member struct {
		ARN string `xml:"TopicArn"`
	}
	out := struct {
		XMLName xml.Name `xml:"ListTopicsResult"`
		Topics  []member `xml:"Topics>member"`
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
			members = append(members,
				subscriptionMember{sub.ARN, s.account.ID, sub.Protocol, sub.Endpoint, sub.TopicARN})
		}
	}
	return members
}

func (s *Service) listSubscriptions(ctx context.Context, f *form) (any, error) {
	if err := f.finish(); err != nil {
		return nil, err
	}
	if err := wire.Authorize(ctx, "sns:ListSubscriptions", "*", nil); err != nil {
		return nil, err
	}
	return struct {
		XMLName       xml.Name             `xml:"ListSubscriptionsResult"`
		Subscriptions []subscriptionMember `xml:"Subscriptions>member"`
	}{Subscriptions: s.members("")}, nil
}

func (s *Service) listSubscriptionsByTopic(ctx context.Context, f *form) (any, error) {
	topic := f.take("TopicArn")
	if err := f.finish(); err != nil {
		return nil, err
	}
	if err := wire.Authorize(ctx, "sns:ListSubscriptionsByTopic", topic, nil); err != nil {
		return nil, err
	}
	if err := s.topic(topic); err != nil {
		return nil, err
	}
	return struct {
		XMLName       xml.Name             `xml:"ListSubscriptionsByTopicResult"`
		Subscriptions []subscriptionMember `xml:"Subscriptions>member"`
	}{Subscriptions: s.members(topic)}, nil
}
