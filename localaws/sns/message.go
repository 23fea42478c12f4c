package sns

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

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
