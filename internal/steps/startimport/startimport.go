// Package startimport turns an "Object Created" event of the inbox into an execution of import-users.
package startimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"userdrop/internal/aws/executions"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/contract"
)

// Config is the environment of start-import.
type Config struct {
	InboxBucket       string `env:"INBOX_BUCKET"`
	ImportUsersARN    string `env:"IMPORT_USERS_ARN"`
	DefaultUserPoolID string `env:"DEFAULT_USER_POOL_ID" envDefault:""`
	GatherConfig
}

type step struct {
	imports  executions.Imports
	gatherer *gatherer // nil if files are not gathered
	config   Config
}

// New builds the handler of functions/start-import.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	s := &step{imports: executions.New(cfg, config.ImportUsersARN), config: config}
	if config.GatherSeconds > 0 {
		s.gatherer = newGatherer(cfg, config.GatherConfig)
	}
	return lambdahandler.Handler(s.handle), nil
}

// Notification is an event about objects, by either of S3's routes: EventBridge ("Object Created", one object, its key
// as it is) or a classic notification (Records, keys URL-encoded).
type Notification struct {
	objects []contract.Object
	at      time.Time // when the first one was created
}

// UnmarshalJSON reads both forms. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html and
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func (n *Notification) UnmarshalJSON(text []byte) error {
	var event struct {
		events.S3Event
		Time   time.Time `json:"time"`
		Detail *struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key       string `json:"key"`
				Size      int64  `json:"size"`
				ETag      string `json:"etag"`
				VersionID string `json:"version-id"`
			} `json:"object"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(text, &event); err != nil {
		return fmt.Errorf("decode S3 event: %w", err)
	}
	n.at = event.Time
	if d := event.Detail; d != nil {
		n.objects = append(n.objects, contract.Object{
			Bucket: d.Bucket.Name, Key: d.Object.Key, VersionID: d.Object.VersionID, ETag: d.Object.ETag, Bytes: d.Object.Size,
		})
	}
	for _, r := range event.Records {
		if n.at.IsZero() {
			n.at = r.EventTime
		}
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil {
			return fmt.Errorf("decode S3 event: the key is not URL-encoded: %w", err)
		}
		n.objects = append(n.objects, contract.Object{
			Bucket: r.S3.Bucket.Name, Key: key, VersionID: r.S3.Object.VersionID,
			ETag: r.S3.Object.ETag, Bytes: r.S3.Object.Size,
		})
	}
	if len(n.objects) == 0 {
		return errors.New("decode S3 event: neither an EventBridge event with a detail nor a notification with Records")
	}
	return nil
}

// handle starts an execution for each object that is a drop. An event that comes twice names an execution that exists
// already, which is success.
func (s *step) handle(ctx context.Context, n Notification) (contract.Started, error) {
	started := contract.Started{Imports: []string{}}
	var errs []error
	for _, object := range n.objects {
		drop, ok := contract.DropOf(object, s.config.DefaultUserPoolID)
		if !ok || object.Bucket != s.config.InboxBucket { // a forged event, or a rule of somebody else's
			started.Ignored++
			slog.WarnContext(ctx, "The object is no drop: another bucket, another prefix, a folder or a manifest.",
				"bucket", object.Bucket)
			continue
		}
		if s.gatherer != nil && drop.Mode == contract.ModeImport && drop.UserPoolID != "" {
			errs = append(errs, s.gatherer.gather(ctx, drop, n.at))
			continue
		}
		if err := s.imports.Start(ctx, drop); err != nil {
			errs = append(errs, err)
			continue
		}
		started.Imports = append(started.Imports, drop.ImportID)
	}
	return started, errors.Join(errs...)
}
