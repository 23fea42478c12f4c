package sqs

import (
	"context"
	"slices"
	"strconv"
	"time"

	"userdrop/localaws/wire"
)

type getQueueAttributesInput struct {
	QueueUrl       string
	AttributeNames []string
}

// attributeNames are those that GetQueueAttributes knows:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
var attributeNames = []string{
	"All", "Policy", "VisibilityTimeout", "MaximumMessageSize", "MessageRetentionPeriod", "ApproximateNumberOfMessages",
	"ApproximateNumberOfMessagesNotVisible", "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn",
	"ApproximateNumberOfMessagesDelayed", "DelaySeconds", "ReceiveMessageWaitTimeSeconds", "RedrivePolicy", "FifoQueue",
	"ContentBasedDeduplication", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "DeduplicationScope",
	"FifoThroughputLimit", "RedriveAllowPolicy", "SqsManagedSseEnabled",
}

func (s *Service) getQueueAttributes(ctx context.Context, in getQueueAttributesInput) (any, error) {
	q, err := s.find(ctx, in.QueueUrl, "sqs:GetQueueAttributes")
	if err != nil {
		return nil, err
	}
	for _, name := range in.AttributeNames {
		if !slices.Contains(attributeNames, name) {
			return nil, wire.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	attributes := map[string]string{}
	for name, value := range s.attributes(q, time.Now()) {
		if wants(in.AttributeNames, name) {
			attributes[name] = value
		}
	}
	return struct {
		Attributes map[string]string `json:",omitempty"`
	}{attributes}, nil
}

// attributes describes a queue; s.mu is held.
func (s *Service) attributes(q *queue, now time.Time) map[string]string {
	var visible, hidden, delayed int
	for _, e := range q.entries {
		switch {
		case !e.visible.After(now):
			visible++
		case e.received > 0:
			hidden++
		default:
			delayed++
		}
	}
	created := strconv.FormatInt(q.created.Unix(), 10)
	attributes := map[string]string{
		"QueueArn":                              s.arn(q),
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
		"CreatedTimestamp":                      created,
		"LastModifiedTimestamp":                 created,
		"VisibilityTimeout":                     strconv.Itoa(int(q.VisibilityTimeout.Seconds())),
		"MaximumMessageSize":                    strconv.Itoa(maxMessage),
		"MessageRetentionPeriod":                strconv.Itoa(int(q.Retention.Seconds())),
		"DelaySeconds":                          "0",
		"ReceiveMessageWaitTimeSeconds":         "0",
		"SqsManagedSseEnabled":                  strconv.FormatBool(q.KMSKey == ""),
	}
	if q.KMSKey != "" {
		attributes["KmsMasterKeyId"], attributes["KmsDataKeyReusePeriodSeconds"] = q.KMSKey, "300"
	}
	if q.Policy != nil {
		attributes["Policy"] = q.Policy.Text
	}
	return attributes
}
