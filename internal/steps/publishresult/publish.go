// Package publishresult ends an import: it merges what the parts found out into result.json, failed.csv and report.html,
// tells EventBridge and SNS, and moves the source.
//
// The commit point is result.json, which is written only if there is none: of several runs, a Redrive or an
// abort-import beside import-users, one wins, and the others go on with its result. Event and message go out at least
// once; consumers tell duplicates by the import id.
package publishresult

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"userdrop/internal/aws/imports"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/metrics"
	"userdrop/internal/aws/objects"
	"userdrop/internal/aws/rowoutcomes"
	"userdrop/internal/contract"
	"userdrop/internal/report"
)

// Publish is the handler of publish-result.
type Publish struct {
	Cognito *cognito.Client
	Events  *eventbridge.Client
	Topic   *sns.Client
	S3      *s3.Client
	Imports imports.Imports
	Work    *objects.Store
	Results *objects.Store
	Collect *rowoutcomes.Collector
	Config  Config
}

// Config is the environment of publish-result.
type Config struct {
	metrics.Stack
	WorkBucket     string `env:"WORK_BUCKET"`
	ResultsBucket  string `env:"RESULTS_BUCKET"`
	ResultTopicARN string `env:"RESULT_TOPIC_ARN"`
	EventBusName   string `env:"EVENT_BUS_NAME"`
	Region         string `env:"AWS_REGION"`
}

// New builds the handler of functions/publish-result.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg)
	return lambdahandler.Handler((&Publish{
		Cognito: cognito.NewFromConfig(cfg), Events: eventbridge.NewFromConfig(cfg), Topic: sns.NewFromConfig(cfg),
		S3: client, Imports: imports.New(client, config.ResultsBucket, config.WorkBucket),
		Work: objects.New(client, config.WorkBucket), Results: objects.New(client, config.ResultsBucket),
		Collect: rowoutcomes.New(cfg, config.WorkBucket),
		Config:  config,
	}).Handle), nil
}

// Handle publishes the result of an import, or carries on with the one that was published already. While a Cognito job
// of the import is active it answers contract.JobStillActive.
func (p *Publish) Handle(ctx context.Context, input Input) (contract.Published, error) {
	in := input.whole()
	r, err := p.committed(ctx, in.ImportID)
	if err != nil {
		return contract.Published{}, err
	}
	if r == nil {
		if in.Preparing {
			return prepareAgain(in), nil
		}
		if published, over, err := p.over(ctx, in); over || err != nil {
			return published, err
		}
		if r, err = p.commit(ctx, in); err != nil {
			// Another run may have published meanwhile, and cleaned up what this one was reading.
			var again error
			if r, again = p.committed(ctx, in.ImportID); again != nil || r == nil {
				if open, ok := errors.AsType[*notApplied](err); ok && again == nil {
					return p.ask(ctx, in, open)
				}
				return contract.Published{}, err
			}
		}
	}
	return p.finish(ctx, r)
}

// over returns what a redriven import ends with that may not publish a result: its files were taken over by another
// sweep, or its result was published and has expired since.
func (p *Publish) over(ctx context.Context, in contract.Import) (published contract.Published, over bool, err error) {
	if in.Manifest != "" {
		closed, err := p.Work.WriteIfAbsent(ctx, contract.ClosedKey(in.ImportID), contract.Publishing)
		if err != nil {
			return published, false, err
		}
		if closed == contract.TakenOver {
			slog.WarnContext(ctx, "A sweep took the files of this import over: theirs is the result.", "importId", in.ImportID)
			return contract.FilesTakenOver(in.ImportID), true, nil
		}
	}
	found, err := p.Work.ReadJSON(ctx, contract.DoneKey(in.ImportID), &published)
	if err != nil || !found {
		return published, false, err
	}
	slog.WarnContext(ctx, "The result of this import was published and has expired.", "importId", in.ImportID)
	// Redriven again and again, an import outlives even this mark: renew it.
	return published, true, p.Work.WriteJSON(ctx, contract.DoneKey(in.ImportID), published)
}

// finish does what is left to do after the commit.
func (p *Publish) finish(ctx context.Context, r *contract.Result) (contract.Published, error) {
	published := contract.Published{
		ImportID: r.ImportID, Verdict: r.Verdict, Message: r.Message, Rows: r.Rows,
		Result: p.Results.URL(contract.ResultKey(r.ImportID)),
	}
	if err := p.notify(ctx, r); err != nil {
		return published, err
	}
	if r.Verdict != contract.VerdictErrored && r.Verdict != contract.VerdictStopped {
		if err := p.move(ctx, r); err != nil {
			return published, err
		}
	}
	if err := p.clean(ctx, r.ImportID); err != nil {
		return published, err
	}
	if err := p.Work.WriteJSON(ctx, contract.DoneKey(r.ImportID), published); err != nil {
		return published, err
	}
	slog.InfoContext(ctx, "Published.", "importId", r.ImportID, "verdict", r.Verdict)
	return published, nil
}

// committed reads the published result; nil if there is none yet.
func (p *Publish) committed(ctx context.Context, importID string) (*contract.Result, error) {
	text, found, err := p.Results.Read(ctx, contract.ResultKey(importID))
	if err != nil || !found {
		return nil, err
	}
	return contract.UnmarshalResult(text)
}

// commit builds the result and its files, and writes result.json last. The loser of a race answers the winner's
// result, and writes its report again in place of its own.
func (p *Publish) commit(ctx context.Context, in contract.Import) (*contract.Result, error) {
	r, err := p.build(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := p.report(ctx, r); err != nil {
		return nil, err
	}
	text, err := contract.MarshalResult(r)
	if err != nil {
		return nil, err
	}
	won, err := p.Results.WriteOnce(ctx, contract.ResultKey(in.ImportID), "application/json", text)
	if err != nil {
		return nil, err
	}
	there := text
	if !won {
		if there, _, err = p.Results.Read(ctx, contract.ResultKey(in.ImportID)); err != nil {
			return nil, err
		}
	}
	if bytes.Equal(there, text) { // it may have won, too, where the answer was lost, and the SDK asked again
		p.measure(ctx, r)
		return r, nil
	}
	if r, err = contract.UnmarshalResult(there); err != nil {
		return nil, err
	}
	return r, p.report(ctx, r)
}

// measure counts a result, once: it is the winner's to do.
func (p *Publish) measure(ctx context.Context, r *contract.Result) {
	stack := p.Config.Stack
	stack.PutBy(ctx, r.ImportID, metrics.Verdict(r.Verdict), metrics.Imports.Of(1))
	if r.Mode == contract.ModeCheck {
		return
	}
	rows := r.Rows.Counts()
	values := []metrics.Value{
		metrics.RowsRead.Of(float64(r.Rows.Read)), metrics.RowsRejected.Of(float64(r.Rows.Rejected)),
		metrics.RowsImported.Of(float64(rows.Imported)), metrics.RowsSkipped.Of(float64(rows.Skipped)),
		metrics.RowsFailed.Of(float64(rows.Failed)), metrics.RowsUnprocessed.Of(float64(rows.Unprocessed)),
		metrics.DurationSeconds.Of(r.FinishedAt.Sub(r.StartedAt).Seconds()),
	}
	if r.Changes != nil {
		values = append(values, metrics.ChangesFailed.Of(float64(r.Changes.FailedChanges())))
	}
	if r.Waits != nil {
		values = append(values, metrics.QueueSeconds.Of(float64(r.Waits.QueueSeconds)))
	}
	var processed int64
	var took time.Duration
	for _, j := range r.Jobs {
		if !j.StartedAt.IsZero() && j.CompletedAt.After(j.StartedAt) {
			processed += j.Rows.Imported + j.Rows.Skipped + j.Rows.Failed
			took += j.CompletedAt.Sub(j.StartedAt)
		}
	}
	if processed > 0 {
		values = append(values, metrics.UsersPerSecond.Of(float64(processed)/took.Seconds()))
	}
	stack.Put(ctx, r.ImportID, values...)
	if r.JobsUsed != nil {
		stack.PutBy(ctx, r.ImportID, metrics.UserPool(r.UserPoolID), metrics.JobsUsed.Of(float64(r.JobsUsed.Used)))
	}
}

func (p *Publish) report(ctx context.Context, r *contract.Result) error {
	var page bytes.Buffer
	options := report.ReportOptions{Region: p.Config.Region, Stack: p.Config.StackName}
	if err := report.WriteReport(&page, r, options); err != nil {
		return err
	}
	return p.Results.Write(ctx, contract.ReportKey(r.ImportID), "text/html; charset=utf-8", page.Bytes())
}

// notify sends the event and the message, unless a mark says that they were sent.
func (p *Publish) notify(ctx context.Context, r *contract.Result) error {
	notified, err := p.Work.Exists(ctx, contract.NotifiedKey(r.ImportID))
	if err != nil || notified {
		return err
	}
	detail, err := json.Marshal(report.Event(r))
	if err != nil {
		return fmt.Errorf("encode the event: %w", err)
	}
	out, err := p.Events.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventtypes.PutEventsRequestEntry{{
		Source: aws.String(report.EventSource), DetailType: aws.String(report.EventDetailType),
		Detail: aws.String(string(detail)), EventBusName: &p.Config.EventBusName,
	}}})
	if err == nil && out.FailedEntryCount > 0 {
		err = &contract.Error{
			Name: contract.Unavailable, Err: fmt.Errorf("EventBridge answered %s", aws.ToString(out.Entries[0].ErrorCode)),
		}
	}
	if err != nil {
		return fmt.Errorf("put the event of %s: %w", r.ImportID, err)
	}
	subject, body := report.Message(r)
	if _, err := p.Topic.Publish(ctx, &sns.PublishInput{
		TopicArn: &p.Config.ResultTopicARN, Subject: &subject, Message: &body,
	}); err != nil {
		return fmt.Errorf("publish the message of %s: %w", r.ImportID, err)
	}
	return p.Work.Write(ctx, contract.NotifiedKey(r.ImportID), "text/plain", nil)
}

// move takes the sources, and the sidecars that were found beside them, out of the way of the next drop. A sidecar that
// was put meanwhile is the next drop's.
func (p *Publish) move(ctx context.Context, r *contract.Result) error {
	var plan contract.Plan
	if _, err := p.Work.ReadJSON(ctx, contract.PlanKey(r.ImportID), &plan); err != nil {
		return err
	}
	taken := map[string]bool{}
	for i, source := range r.Sources {
		if contract.InRoot(source.Key) { // refused; no function may touch what is not in a folder of its own
			continue
		}
		from := contract.Object{
			Bucket: source.Bucket, Key: source.Key, VersionID: source.VersionID, Bytes: source.Bytes,
		}
		first := contract.ProcessedKey(r.ImportID, source.Key, r.FinishedAt)
		to := first
		for n := 2; taken[to]; n++ { // two folders, one file name
			to = path.Join(path.Dir(first), fmt.Sprintf("%d-%s", n, path.Base(first)))
		}
		taken[to] = true
		if err := objects.Move(ctx, p.S3, from, to); err != nil {
			return err
		}
		if i < len(plan.Sources) && plan.Sources[i].Sidecar.Key != "" {
			if err := objects.Move(ctx, p.S3, plan.Sources[i].Sidecar, to+contract.ManifestSuffix); err != nil {
				return err
			}
		}
	}
	return nil
}

// clean deletes what the import kept in the work bucket, except the marks that people were notified and that it is done.
func (p *Publish) clean(ctx context.Context, importID string) error {
	return p.Work.Erase(ctx, contract.WorkPrefix(importID), contract.NotifiedKey(importID), contract.DoneKey(importID))
}

// cause words a failure that the state machine caught. Step Functions' Cause of a function's error is its JSON.
func cause(f *contract.Failure) *contract.Cause {
	if f == nil {
		return nil
	}
	text := f.Cause
	var answer struct {
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal([]byte(text), &answer) == nil && answer.Message != "" {
		text = answer.Message
	}
	return &contract.Cause{Name: f.Error, Message: strings.ToValidUTF8(text[:min(len(text), 500)], "")}
}

func seconds(from, to time.Time) int64 {
	if from.IsZero() || to.Before(from) {
		return 0
	}
	return int64(to.Sub(from) / time.Second)
}
