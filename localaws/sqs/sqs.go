// Package sqs plays the part of Amazon SQS that dead-letter queues and destinations need: standard queues with
// visibility time-outs and long polling.
package sqs

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// maxMessage is the size of a message with its attributes:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const maxMessage = 1 << 20

// Attribute is a message attribute. The double knows the types String and Number, and Binary.
type Attribute struct {
	DataType    string
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

// String is the attribute of type String.
func String(value string) Attribute { return Attribute{DataType: "String", StringValue: value} }

// Message is what a queue holds.
type Message struct {
	ID         string
	Body       string
	Attributes map[string]Attribute
	Sent       time.Time
}

// Queue is an AWS::SQS::Queue. VisibilityTimeout is 30 s when zero, Retention 4 days.
type Queue = template.Queue

type entry struct {
	Message
	visible       time.Time
	received      int
	receipt       string
	sender        string
	firstReceived time.Time
}

type queue struct {
	Queue
	created time.Time
	entries []*entry
	archive []Message
	changed chan struct{} // closed and replaced when a message may have become available
}

// Service is the SQS of one account.
type Service struct {
	account *wire.Account
	api     *wire.API

	mu     sync.Mutex
	queues map[string]*queue
}

// New returns a service without queues.
func New(account *wire.Account) *Service {
	s := &Service{account: account, queues: map[string]*queue{}}
	operations := map[string]wire.Operation{
		"SendMessage":        wire.Strict(s.sendMessage),
		"ReceiveMessage":     wire.Strict(s.receiveMessage),
		"DeleteMessage":      wire.Strict(s.deleteMessage),
		"GetQueueUrl":        wire.Strict(s.getQueueURL),
		"ListQueues":         wire.Strict(s.listQueues),
		"GetQueueAttributes": wire.Strict(s.getQueueAttributes),
	}
	for name, operation := range operations {
		operations[name] = queryCompatible(operation)
	}
	s.api = wire.JSON(operations)
	return s
}

// queryCompatible gives errors the code that they had when SQS spoke the Query protocol:
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#x-amzn-query-error
func queryCompatible(operation wire.Operation) wire.Operation {
	return func(ctx context.Context, input json.RawMessage) (any, error) {
		out, err := operation(ctx, input)
		e, ok := errors.AsType[*wire.Error](err)
		if !ok {
			return out, err
		}
		compatible := *e
		switch e.Code {
		case "QueueDoesNotExist":
			compatible.QueryCode = "AWS.SimpleQueueService.NonExistentQueue"
		case "AccessDeniedException":
			compatible.QueryCode = "AccessDenied"
		default:
			compatible.QueryCode = e.Code
		}
		return nil, &compatible
	}
}

// Operations returns the names of the operations, sorted.
func (s *Service) Operations() []string { return s.api.Operations() }

type hostKey struct{}

// ServeHTTP serves the JSON protocol. Queue URLs carry the host that the caller used.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A request that did not cross a network has its host in the URL alone.
	s.api.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), hostKey{}, cmp.Or(r.Host, r.URL.Host))))
}

// Create adds a queue; one that exists keeps its messages.
func (s *Service) Create(q Queue) {
	q.VisibilityTimeout = cmp.Or(q.VisibilityTimeout, 30*time.Second)
	q.Retention = cmp.Or(q.Retention, 4*24*time.Hour)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.queues[q.Name]; ok {
		old.Queue = q
		return
	}
	s.queues[q.Name] = &queue{Queue: q, created: time.Now(), changed: make(chan struct{})}
}

// Messages returns all that was ever sent to a queue, given by name or ARN, the last 10,000 at most.
func (s *Service) Messages(name string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.lookup(name)
	if err != nil {
		return nil
	}
	return slices.Clone(q.archive)
}

// lookup finds a queue by name, ARN or URL. The caller holds the lock.
func (s *Service) lookup(name string) (*queue, error) {
	name = strings.TrimPrefix(name, s.account.ARN("sqs", ""))
	if _, path, ok := strings.Cut(name, "://"); ok {
		_, name, _ = strings.Cut(path, "/"+s.account.ID+"/")
	}
	q, ok := s.queues[name]
	if !ok {
		return nil, wire.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
	}
	return q, nil
}

// find authorises an action on a queue and returns it.
func (s *Service) find(ctx context.Context, name, action string) (*queue, error) {
	s.mu.Lock()
	q, err := s.lookup(name)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return q, wire.Authorize(ctx, action, s.arn(q), nil)
}

func (s *Service) arn(q *queue) string { return s.account.ARN("sqs", q.Name) }

// Send puts a message into a queue, given by name or ARN.
func (s *Service) Send(ctx context.Context, name, body string, attributes map[string]Attribute) (Message, error) {
	return s.send(ctx, name, body, attributes, 0)
}

func (s *Service) send(
	ctx context.Context, name, body string, attributes map[string]Attribute, delay time.Duration,
) (Message, error) {
	q, err := s.find(ctx, name, "sqs:SendMessage")
	if err != nil {
		return Message{}, err
	}
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
	if err := wire.AuthorizeKey(ctx, q.KMSKey, wire.GenerateDataKey, wire.Decrypt); err != nil {
		return Message{}, err
	}
	size := len(body)
	for name, a := range attributes {
		kind, _, _ := strings.Cut(a.DataType, ".")
		if kind != "String" && kind != "Number" && kind != "Binary" {
			return Message{}, wire.Errorf("InvalidParameterValue",
				"The message attribute '%s' has an invalid message attribute type", name)
		}
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	switch {
	case body == "":
		return Message{}, wire.Errorf("MissingParameter", "The request must contain the parameter MessageBody.")
	case size > maxMessage:
		return Message{}, wire.Errorf("InvalidParameterValue",
			"One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", maxMessage)
	case len(attributes) > 10:
		return Message{}, wire.Errorf("InvalidParameterValue",
			"Number of message attributes [%d] exceeds the allowed maximum [10].",
			len(attributes))
	}
	const archived = 10_000
	m := Message{ID: s.account.IDs.UUID(), Body: body, Attributes: attributes, Sent: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	q.entries = append(q.entries, &entry{Message: m, visible: m.Sent.Add(delay), sender: s.sender(ctx)})
	q.archive = append(q.archive, m)
	q.archive = q.archive[max(0, len(q.archive)-archived):]
	q.wake()
	return m, nil
}

// sender is the SenderId of a message: the account of its administrator, or the id of a role's session.
func (s *Service) sender(ctx context.Context) string {
	caller := wire.Caller(ctx)
	if caller == nil {
		return s.account.ID
	}
	_, names, _ := strings.Cut(caller.ARN(), "/") // AWS has the role's unique id where its name is here
	return cmp.Or(strings.Replace(names, "/", ":", 1), caller.ARN())
}

// wake wakes all long polls; s.mu is held.
func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

type sendMessageInput struct {
	QueueUrl          string
	MessageBody       string
	DelaySeconds      int
	MessageAttributes map[string]Attribute
}

type sendMessageOutput struct {
	MessageId              string
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty"`
}

func (s *Service) sendMessage(ctx context.Context, in sendMessageInput) (*sendMessageOutput, error) {
	if in.DelaySeconds < 0 || in.DelaySeconds > 900 {
		return nil, wire.Errorf("InvalidParameterValue",
			"Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", in.DelaySeconds)
	}
	delay := time.Duration(in.DelaySeconds) * time.Second
	m, err := s.send(ctx, in.QueueUrl, in.MessageBody, in.MessageAttributes, delay)
	if err != nil {
		return nil, err
	}
	return &sendMessageOutput{m.ID, digest(m.Body), digestAttributes(m.Attributes)}, nil
}

func digest(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// digestAttributes is the MD5 that clients check:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func digestAttributes(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var b []byte
	field := func(text string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		field(name)
		field(a.DataType)
		if strings.HasPrefix(a.DataType, "Binary") {
			b = append(b, 2)
			field(string(a.BinaryValue))
		} else {
			b = append(b, 1)
			field(a.StringValue)
		}
	}
	return digest(string(b))
}

type deleteMessageInput struct{ QueueUrl, ReceiptHandle string }

func (s *Service) deleteMessage(ctx context.Context, in deleteMessageInput) (any, error) {
	q, err := s.find(ctx, in.QueueUrl, "sqs:DeleteMessage")
	if err != nil {
		return nil, err
	}
	receipt, err := base64.StdEncoding.DecodeString(in.ReceiptHandle)
	id, _, ok := strings.Cut(string(receipt), " ")
	if err != nil || !ok {
		return nil, wire.Errorf("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q.entries = slices.DeleteFunc(q.entries, func(e *entry) bool { return e.ID == id })
	return nil, nil
}

type getQueueURLInput struct{ QueueName, QueueOwnerAWSAccountId string }

func (s *Service) getQueueURL(ctx context.Context, in getQueueURLInput) (any, error) {
	if in.QueueOwnerAWSAccountId != "" && in.QueueOwnerAWSAccountId != s.account.ID {
		return nil, wire.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
	}
	q, err := s.find(ctx, in.QueueName, "sqs:GetQueueUrl")
	if err != nil {
		return nil, err
	}
	return struct{ QueueUrl string }{s.url(ctx, q.Name)}, nil
}

func (s *Service) url(ctx context.Context, name string) string {
	host, _ := ctx.Value(hostKey{}).(string)
	return fmt.Sprintf("http://%s/%s/%s", host, s.account.ID, name)
}

type listQueuesInput struct {
	QueueNamePrefix string
	MaxResults      int
	NextToken       string
}

func (s *Service) listQueues(ctx context.Context, in listQueuesInput) (any, error) {
	if err := wire.Authorize(ctx, "sqs:ListQueues", "*", nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	names := slices.Sorted(maps.Keys(s.queues))
	s.mu.Unlock()
	out := struct {
		QueueUrls []string `json:",omitempty"`
		NextToken string   `json:",omitempty"`
	}{}
	limit := cmp.Or(in.MaxResults, 1000)
	for _, name := range names {
		if !strings.HasPrefix(name, in.QueueNamePrefix) || name <= in.NextToken {
			continue
		}
		if len(out.QueueUrls) == limit {
			last := out.QueueUrls[limit-1]
			out.NextToken = last[strings.LastIndexByte(last, '/')+1:]
			break
		}
		out.QueueUrls = append(out.QueueUrls, s.url(ctx, name))
	}
	return out, nil
}
