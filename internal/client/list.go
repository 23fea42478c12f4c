package client

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"golang.org/x/sync/errgroup"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/contract"
)

// Listed is one import, as far as its execution and its result tell.
type Listed struct {
	ImportID   string           `json:"importId"`
	Execution  string           `json:"execution,omitempty"` // its status; Step Functions forgets it after 90 days
	Verdict    contract.Verdict `json:"verdict,omitempty"`
	UserPoolID string           `json:"userPoolId,omitempty"`
	Rows       *contract.Rows   `json:"rows,omitempty"`
	StartedAt  time.Time        `json:"startedAt,omitzero"`
	FinishedAt time.Time        `json:"finishedAt,omitzero"`

	Progress *Listing `json:"progress,omitempty"` // of an import that is running

	Expired bool `json:"-"` // there is no result any more
}

// Listing is how far a running import is.
type Listing struct {
	Step    string `json:"step"`
	Percent int    `json:"percent"`        // of the rows; -1 where it is unknown
	Text    string `json:"text,omitempty"` // such as its place in the queue
}

// watchedImports is how many running imports Imports asks for their progress: it takes some calls of Step Functions for
// each, which has a small quota for the account.
const watchedImports = 10

// Imports returns the latest imports of the stack: the executions that Step Functions remembers, then older results.
func (s *Stack) Imports(ctx context.Context, limit int) ([]Listed, error) {
	all := []Listed{}
	pages := sfn.NewListExecutionsPaginator(s.machines, &sfn.ListExecutionsInput{
		StateMachineArn: &s.importUsers, MaxResults: int32(min(limit, 1000)),
	})
	for pages.HasMorePages() && len(all) < limit {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Executions {
			all = append(all, Listed{
				ImportID: aws.ToString(e.Name), Execution: string(e.Status), StartedAt: aws.ToTime(e.StartDate),
				Expired: expired(e.Status, e.StopDate),
			})
		}
	}
	if len(all) < limit {
		older, err := s.forgotten(ctx, all)
		if err != nil {
			return nil, err
		}
		all = append(all, older...)
	}
	waiting, err := s.waiting(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range waiting { // they come before the imports that have begun
		all = append([]Listed{{
			ImportID: id, StartedAt: time.Now(), Progress: &Listing{Step: "Gathering", Percent: -1},
		}}, all...)
	}
	all = all[:min(len(all), limit)]
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	running := 0
	for i := range all {
		ask := all[i].Execution == "RUNNING" && running < watchedImports
		if ask {
			running++
		}
		group.Go(func() error { return s.describe(ctx, &all[i], ask) })
	}
	return all, group.Wait()
}

// forgotten are the imports with a result whose execution Step Functions does not remember.
func (s *Stack) forgotten(ctx context.Context, known []Listed) ([]Listed, error) {
	var older []Listed
	pages := s3.NewListObjectsV2Paginator(s.s3, &s3.ListObjectsV2Input{Bucket: &s.results.Bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			id, ok := strings.CutSuffix(aws.ToString(o.Key), "/"+path.Base(contract.ResultKey("")))
			if ok && !slices.ContainsFunc(known, func(k Listed) bool { return k.ImportID == id }) {
				older = append(older, Listed{ImportID: id, StartedAt: aws.ToTime(o.LastModified)})
			}
		}
	}
	slices.SortFunc(older, func(a, b Listed) int {
		return cmp.Or(b.StartedAt.Compare(a.StartedAt), cmp.Compare(a.ImportID, b.ImportID))
	})
	return older, nil
}

// describe adds what the result tells, if there is one.
func (s *Stack) describe(ctx context.Context, l *Listed, progress bool) error {
	r, _, err := s.Result(ctx, l.ImportID)
	switch {
	case err != nil || r != nil:
	case progress:
		l.Progress, err = s.progress(ctx, l.ImportID)
	case l.Execution != "RUNNING" && l.Execution != "SUCCEEDED":
		var takenOver bool
		if takenOver, err = s.takenOver(ctx, l.ImportID); takenOver {
			l.Verdict = contract.VerdictTakenOver
		}
	}
	if err != nil || r == nil {
		return err
	}
	l.Verdict, l.UserPoolID, l.Rows = r.Verdict, r.UserPoolID, &r.Rows
	l.StartedAt, l.FinishedAt = r.StartedAt, r.FinishedAt
	return nil
}

// takenOver reports whether a later sweep took the files of an import over, which has no result for that reason.
func (s *Stack) takenOver(ctx context.Context, importID string) (bool, error) {
	var done contract.Published
	_, err := s.work.ReadJSON(ctx, contract.DoneKey(importID), &done)
	if awserror.Name(err) == contract.Denied { // people who only read results
		return false, nil
	}
	return done.Verdict == contract.VerdictTakenOver, err
}

// Recent returns the latest imports that Step Functions remembers, without their results.
func (s *Stack) Recent(ctx context.Context, limit int32) ([]Listed, error) {
	out, err := s.machines.ListExecutions(ctx, &sfn.ListExecutionsInput{
		StateMachineArn: &s.importUsers, MaxResults: limit,
	})
	if err != nil {
		return nil, Explain(err)
	}
	var recent []Listed
	for _, e := range out.Executions {
		recent = append(recent, Listed{
			ImportID: aws.ToString(e.Name), Execution: string(e.Status), StartedAt: aws.ToTime(e.StartDate),
		})
	}
	return recent, nil
}

// Latest returns the import that was started last.
func (s *Stack) Latest(ctx context.Context) (string, error) {
	recent, err := s.Recent(ctx, 1)
	if err != nil {
		return "", err
	}
	if len(recent) == 0 {
		return "", NotFoundf("the stack %q has no imports yet: drop one with \"userdrop drop FILE\"", s.Name)
	}
	return recent[0].ImportID, nil
}

// Held returns when the stack was paused; zero if it is not.
func (s *Stack) Held(ctx context.Context) (time.Time, error) {
	page, err := s.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &s.work.Bucket, Prefix: aws.String(contract.HoldKey), MaxKeys: aws.Int32(1),
	})
	if err != nil {
		return time.Time{}, Explain(err)
	}
	i := slices.IndexFunc(page.Contents, func(o types.Object) bool { return aws.ToString(o.Key) == contract.HoldKey })
	if i < 0 {
		return time.Time{}, nil
	}
	return aws.ToTime(page.Contents[i].LastModified), nil
}

// progress returns how far a running import is, or nil where its history says nothing yet.
func (s *Stack) progress(ctx context.Context, importID string) (*Listing, error) {
	var last recorder
	f := Follower{Stack: s, Progress: &last, ImportID: importID}
	if err := f.running(ctx, contract.ExecutionARN(s.importUsers, importID)); err != nil {
		if transient(err) {
			return nil, nil
		}
		return nil, err
	}
	if last.Name == "" {
		return nil, nil
	}
	listing := &Listing{Step: last.Name, Percent: -1, Text: last.Text}
	if last.Share >= 0 {
		listing.Percent = int(last.Share * 100)
	}
	return listing, nil
}

// recorder keeps the last step.
type recorder struct{ Step }

func (r *recorder) Show(s Step)   { r.Step = s }
func (r *recorder) Finish(string) {}
func (r *recorder) Clear()        {}
