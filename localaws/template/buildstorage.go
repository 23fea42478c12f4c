package template

import (
	"cmp"
	"errors"
	"regexp"
	"time"

	"userdrop/localaws/iam"
)

func buildBucket(l *loader, r *Resource) error {
	var p struct {
		BucketName                string
		VersioningConfiguration   struct{ Status string }
		NotificationConfiguration struct {
			EventBridgeConfiguration *struct{ EventBridgeEnabled *bool }
		}
		BucketEncryption struct {
			ServerSideEncryptionConfiguration []struct {
				BucketKeyEnabled              bool
				ServerSideEncryptionByDefault struct{ SSEAlgorithm, KMSMasterKeyID string }
				_                             any `cfn:"BlockedEncryptionTypes"`
			}
		}
		LifecycleConfiguration struct {
			Rules []lifecycleRule
			_     any `cfn:"TransitionDefaultMinimumObjectSize"`
		}
		_ any `cfn:"Tags PublicAccessBlockConfiguration OwnershipControls LoggingConfiguration"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	b := &Bucket{
		LogicalID: r.LogicalID, Encryption: "AES256", Versioned: p.VersioningConfiguration.Status == "Enabled",
	}
	b.Name, b.ARN = l.names(r, "Arn")
	if e := p.NotificationConfiguration.EventBridgeConfiguration; e != nil {
		b.EventBridge = e.EventBridgeEnabled == nil || *e.EventBridgeEnabled
	}
	for _, e := range p.BucketEncryption.ServerSideEncryptionConfiguration {
		b.Encryption = e.ServerSideEncryptionByDefault.SSEAlgorithm
		b.KMSKey = e.ServerSideEncryptionByDefault.KMSMasterKeyID
	}
	var errs []error
	for _, rule := range p.LifecycleConfiguration.Rules {
		b.Lifecycle = append(b.Lifecycle, rule.view())
		errs = append(errs, r.oneOf("LifecycleConfiguration", rule.Status, "Enabled", "Disabled"))
	}
	l.stack.Buckets = append(l.stack.Buckets, b)
	if !bucketName.MatchString(b.Name) {
		errs = append(errs, errorAt(r.props, "%s: %q is no name that S3 takes for a bucket", r.LogicalID, b.Name))
	}
	return errors.Join(append(errs,
		r.oneOf("VersioningConfiguration", p.VersioningConfiguration.Status, "Enabled", "Suspended"),
		r.oneOf("BucketEncryption", b.Encryption, "aws:kms", "AES256"))...)
}

// bucketName is the rule of "General purpose buckets naming rules" in the Amazon S3 User Guide.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

type lifecycleRule struct {
	Id, Prefix, Status                string
	ExpirationInDays                  int
	ExpiredObjectDeleteMarker         bool
	NoncurrentVersionExpirationInDays int
	NoncurrentVersionExpiration       struct{ NoncurrentDays, NewerNoncurrentVersions int }
	AbortIncompleteMultipartUpload    struct{ DaysAfterInitiation int }
}

func (p *lifecycleRule) view() LifecycleRule {
	old := p.NoncurrentVersionExpiration
	return LifecycleRule{
		ID: p.Id, Prefix: p.Prefix, Enabled: p.Status == "Enabled", ExpirationDays: p.ExpirationInDays,
		NoncurrentDays:                cmp.Or(old.NoncurrentDays, p.NoncurrentVersionExpirationInDays),
		NewerNoncurrentVersionsToKeep: old.NewerNoncurrentVersions,
		AbortIncompleteMultipartDays:  p.AbortIncompleteMultipartUpload.DaysAfterInitiation,
		ExpiredObjectDeleteMarker:     p.ExpiredObjectDeleteMarker,
	}
}

func buildBucketPolicy(l *loader, r *Resource) error {
	var p struct {
		Bucket         string
		PolicyDocument any
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	d, err := policyOf(r, get(r.props, "PolicyDocument"), iam.ResourcePolicy)
	if err != nil {
		return err
	}
	b := find(l.stack.Buckets, func(b *Bucket) bool { return b.Name == p.Bucket })
	if b == nil {
		return r.nothing("bucket", p.Bucket)
	}
	return attach(r, &b.Policy, d)
}

func buildQueue(l *loader, r *Resource) error {
	p := struct {
		QueueName, KmsMasterKeyId                 string
		VisibilityTimeout, MessageRetentionPeriod int
		_                                         any `cfn:"SqsManagedSseEnabled KmsDataKeyReusePeriodSeconds Tags"`
	}{VisibilityTimeout: 30, MessageRetentionPeriod: 345600}
	if err := r.decode(&p); err != nil {
		return err
	}
	q := &Queue{
		LogicalID: r.LogicalID, KMSKey: p.KmsMasterKeyId,
		VisibilityTimeout: time.Duration(p.VisibilityTimeout) * time.Second,
		Retention:         time.Duration(p.MessageRetentionPeriod) * time.Second,
	}
	q.Name, q.ARN = l.names(r, "Arn")
	_, q.URL = l.names(r, "QueueUrl")
	l.stack.Queues = append(l.stack.Queues, q)
	return nil
}

func buildQueuePolicy(l *loader, r *Resource) error {
	var p struct {
		Queues         []string
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
	for _, url := range p.Queues {
		if q := find(l.stack.Queues, func(q *Queue) bool { return q.URL == url }); q != nil {
			errs = append(errs, attach(r, &q.Policy, d))
		} else {
			errs = append(errs, r.nothing("queue URL", url))
		}
	}
	return errors.Join(errs...)
}

func buildLogGroup(l *loader, r *Resource) error {
	var p struct {
		LogGroupName, KmsKeyId, LogGroupClass string
		RetentionInDays                       int
		_                                     any `cfn:"Tags DataProtectionPolicy FieldIndexPolicies"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	g := &LogGroup{LogicalID: r.LogicalID, Retention: p.RetentionInDays, KMSKey: p.KmsKeyId}
	g.Name, g.ARN = l.names(r, "Arn")
	l.stack.LogGroups = append(l.stack.LogGroups, g)
	return r.oneOf("LogGroupClass", p.LogGroupClass, "STANDARD")
}
