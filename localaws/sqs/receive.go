package sqs

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

type receiveMessageInput struct {
	QueueUrl                    string
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             int
}

type receivedMessage struct {
	MessageId              string
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string    `json:",omitempty"`
	MD5OfMessageAttributes string               `json:",omitempty"`
	MessageAttributes      map[string]Attribute `json:",omitempty"`
}

type receiveMessageOutput struct {
	Messages []receivedMessage `json:",omitempty"`
}

func (s *Service) receiveMessage(ctx context.Context, in receiveMessageInput) (*receiveMessageOutput, error) {
	q, err := s.find(ctx, in.QueueUrl, "sqs:ReceiveMessage")
	if err != nil {
		return nil, err
	}
	limit, visibility := 1, q.VisibilityTimeout
	if in.MaxNumberOfMessages != nil {
		limit = *in.MaxNumberOfMessages
	}
	if in.VisibilityTimeout != nil {
		visibility = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	if limit < 1 || limit > 10 || in.WaitTimeSeconds < 0 || in.WaitTimeSeconds > 20 {
		return nil, wire.Errorf("InvalidParameterValue",
			"MaxNumberOfMessages must be between 1 and 10, and WaitTimeSeconds between 0 and 20.")
	}
	until := time.NewTimer(time.Duration(in.WaitTimeSeconds) * time.Second)
	defer until.Stop()
	for {
		messages, changed, next := s.take(q, limit, visibility)
		if len(messages) > 0 || in.WaitTimeSeconds == 0 {
			return in.output(messages), nil
		}
		again := time.NewTimer(next)
		select {
		case <-changed:
			again.Stop()
		case <-again.C:
		case <-until.C:
			again.Stop()
			return &receiveMessageOutput{}, nil
		case <-ctx.Done():
			again.Stop()
			return nil, ctx.Err()
		}
	}
}

// take hides up to limit messages and returns them, the channel that a change closes, and the time until another
// message becomes visible by itself.
func (s *Service) take(q *queue, limit int, visibility time.Duration) ([]entry, <-chan struct{}, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	q.entries = slices.DeleteFunc(q.entries, func(e *entry) bool { return now.Sub(e.Sent) > q.Retention })
	next := time.Hour
	var taken []entry
	for _, e := range q.entries {
		if wait := e.visible.Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		if len(taken) == limit {
			break
		}
		if e.received++; e.received == 1 {
			e.firstReceived = now
		}
		e.visible = now.Add(visibility)
		e.receipt = base64.StdEncoding.EncodeToString([]byte(e.ID + " " + strconv.Itoa(e.received)))
		taken = append(taken, *e)
	}
	return taken, q.changed, next
}

func (in receiveMessageInput) output(entries []entry) *receiveMessageOutput {
	out := &receiveMessageOutput{}
	for _, e := range entries {
		m := receivedMessage{MessageId: e.ID, ReceiptHandle: e.receipt, MD5OfBody: digest(e.Body), Body: e.Body}
		for name, value := range map[string]string{
			"SentTimestamp":                    strconv.FormatInt(e.Sent.UnixMilli(), 10),
			"ApproximateReceiveCount":          strconv.Itoa(e.received),
			"ApproximateFirstReceiveTimestamp": strconv.FormatInt(e.firstReceived.UnixMilli(), 10),
			"SenderId":                         e.sender,
		} {
			if wants(in.MessageSystemAttributeNames, name) || wants(in.AttributeNames, name) {
				if m.Attributes == nil {
					m.Attributes = map[string]string{}
				}
				m.Attributes[name] = value
			}
		}
		m.MessageAttributes = map[string]Attribute{}
		for name, a := range e.Attributes {
			if wants(in.MessageAttributeNames, name) {
				m.MessageAttributes[name] = a
			}
		}
		m.MD5OfMessageAttributes = digestAttributes(m.MessageAttributes)
		out.Messages = append(out.Messages, m)
	}
	return out
}

// wants reports whether a name is in a list that may hold "All", ".*" and prefixes such as "a.*".
func wants(list []string, name string) bool {
	return slices.ContainsFunc(list, func(wanted string) bool {
		prefix, wild := strings.CutSuffix(wanted, ".*")
		return wanted == "All" || wanted == name || wild && strings.HasPrefix(name, prefix)
	})
}
