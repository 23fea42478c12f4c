// Package intake turns what happens in the inbox into executions of import-users: an object that was created, files
// that wait for the schedule, and what got lost on the way.
package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/contract"
)

// StartImport starts one execution of import-users for an "Object Created" event of the inbox.
type StartImport struct {
	Machine interface {
		StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
	}
	Config StartConfig
}

// StartConfig is the environment of start-import.
type StartConfig struct {
	InboxBucket       string `env:"INBOX_BUCKET"`
	ImportUsersARN    string `env:"IMPORT_USERS_ARN"`
	DefaultUserPoolID string `env:"DEFAULT_USER_POOL_ID" envDefault:""`
}

// NewStartImport builds the handler of functions/start-import.
func NewStartImport(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[StartConfig](environ)
	if err != nil {
		return nil, err
	}
	return lambdahandler.Handler((&StartImport{Machine: sfn.NewFromConfig(cfg), Config: config}).Handle), nil
}

// Notification is an event about objects, by either of S3's routes: EventBridge ("Object Created", one object, its key
// as it is) or a classic notification (Records, keys URL-encoded).
type Notification struct {
	objects []contract.Object
}

// UnmarshalJSON reads both forms. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html and
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func (n *Notification) UnmarshalJSON(text []byte) error {
	var event struct {
		events.S3Event
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
	if d := event.Detail; d != nil {
		n.objects = append(n.objects, contract.Object{
			Bucket: d.Bucket.Name, Key: d.Object.Key, VersionID: d.Object.VersionID, ETag: d.Object.ETag, Bytes: d.Object.Size,
		})
	}
	for _, r := range event.Records {
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

// Started is the answer of start-import and of the sweeps.
type Started struct {
	Imports []string `json:"imports"` // import ids
	Ignored int      `json:"ignored"` // objects that are no drops
}

// Handle starts an execution for each object that is a drop. An event that comes twice names an execution that exists
// already, which is success.
func (s *StartImport) Handle(ctx context.Context, n Notification) (Started, error) {
	started := Started{Imports: []string{}}
	var errs []error
	for _, object := range n.objects {
		drop, ok := s.drop(object)
		if !ok {
			started.Ignored++
			slog.WarnContext(ctx, "The object is no drop: another bucket, another prefix, a folder or a manifest.",
				"bucket", object.Bucket)
			continue
		}
		if err := startExecution(ctx, s.Machine, s.Config.ImportUsersARN, drop); err != nil {
			errs = append(errs, err)
			continue
		}
		started.Imports = append(started.Imports, drop.ImportID)
	}
	return started, errors.Join(errs...)
}

type startMachine interface {
	StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
}

func startExecution(ctx context.Context, machine startMachine, arn string, drop contract.Drop) error {
	drop.ExecutionARN = contract.ExecutionARN(arn, drop.ImportID)
	input, err := json.Marshal(drop)
	if err != nil {
		return fmt.Errorf("encode execution input: %w", err)
	}
	_, err = machine.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &arn, Name: &drop.ImportID, Input: aws.String(string(input)),
	})
	if _, exists := errors.AsType[*types.ExecutionAlreadyExists](err); exists {
		slog.InfoContext(ctx, "The drop has an execution already: the event came twice.", "importId", drop.ImportID)
		return nil
	}
	if err != nil {
		return fmt.Errorf("start import %s: %w", drop.ImportID, err)
	}
	slog.InfoContext(ctx, "Import started.", "importId", drop.ImportID, "userPoolId", drop.UserPoolID, "mode", drop.Mode)
	return nil
}

// userPoolID is Cognito's pattern, UserPoolIdType in its API model.
var userPoolID = regexp.MustCompile(`^[\w-]+_[0-9a-zA-Z]+$`)

// drop reads an object's key: incoming/<pool>/…, incoming/<file> for the default pool, and check/… for a dry run. The
// pool id is empty where the key names none that could be one; prepare-import refuses such a drop, and says so.
func (s *StartImport) drop(object contract.Object) (contract.Drop, bool) {
	if object.Bucket != s.Config.InboxBucket {
		return contract.Drop{}, false // a forged event, or a rule of somebody else's
	}
	prefix, rest, _ := strings.Cut(object.Key, "/")
	mode, ok := map[string]contract.Mode{"incoming": contract.ModeImport, "check": contract.ModeCheck}[prefix]
	if !ok || rest == "" || strings.HasSuffix(rest, "/") || strings.HasSuffix(rest, ManifestSuffix) {
		return contract.Drop{}, false
	}
	pool, _, inFolder := strings.Cut(rest, "/")
	if !inFolder {
		pool = s.Config.DefaultUserPoolID
	}
	return contract.Drop{
		Schema: contract.Schema, ImportID: contract.ImportID(object), UserPoolID: poolID(pool), Mode: mode, Source: object,
	}, true
}

// poolID is the name of a folder if it could be a pool's id, else empty: a state's payload holds no text of anybody's.
func poolID(folder string) string {
	if len(folder) > 55 || !userPoolID.MatchString(folder) {
		return ""
	}
	return folder
}

// ManifestSuffix ends the key of a sidecar, which tells what a CSV file must hold.
const ManifestSuffix = ".manifest.json"
