package agreement_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"userdrop/internal/phonenumber"
	"userdrop/internal/usercsv"
	"userdrop/localaws/cognito"
	"userdrop/localaws/logs"
	"userdrop/localaws/wire"
)

// seeds are few enough for every run of the tests. FuzzAgreement tries more.
const seeds = 250

func TestAgreement(t *testing.T) {
	accepted, rejected := 0, 0
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			taken, refused := agree(t, seed)
			accepted, rejected = accepted+taken, rejected+refused
		})
	}
	if accepted < 2*seeds || rejected < 2*seeds {
		t.Errorf("%d rows were accepted and %d rejected: the generator makes too few", accepted, rejected)
	}
}

func FuzzAgreement(f *testing.F) {
	f.Add(uint64(seeds))
	f.Fuzz(func(t *testing.T, seed uint64) {
		synctest.Test(t, func(t *testing.T) { agree(t, seed) })
	})
}

// agree prepares a file for a pool and imports what was accepted. It returns how many rows were accepted and rejected.
func agree(t *testing.T, seed uint64) (accepted, rejected int) {
	t.Helper()
	g := newGenerator(seed)
	p := g.pool()
	file := g.file(p, 1+g.IntN(30))
	d := newDouble(t, p)
	rules, err := usercsv.ParsePool(p.json())
	if err != nil {
		t.Fatal(err)
	}
	rules.Header = d.header(t)
	parts := &parts{}
	settings := usercsv.Settings{
		AssumeVerified: usercsv.AssumeVerified(g.pick("none", "email", "both")),
		PhoneNumbers:   phonenumber.New(), Began: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC), DateOrder: usercsv.DateMonthFirst,
	}
	if g.one(3) {
		settings.DefaultPhoneCountry = "DE"
	}
	preparer, err := usercsv.NewPreparer(rules, settings, parts)
	if err != nil {
		t.Fatal(err)
	}
	summary, err := preparer.Add(t.Context(), strings.NewReader(file))
	if _, refused := errors.AsType[*usercsv.Refusal](err); refused {
		return 0, 0
	}
	if err == nil {
		_, err = preparer.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts.all {
		for _, message := range d.run(t, part) {
			if !strings.HasPrefix(message, "[SUCCEEDED]") && !strings.Contains(message, "alias already exists") {
				t.Errorf("seed %d: %s\npool %s\nfile:\n%s\npart:\n%s", seed, message, p.json(), file, part.String())
			}
		}
	}
	return summary.Accepted(), summary.Rejected
}

// parts keeps the parts of a drop.
type parts struct{ all []*part }

func (p *parts) OpenPart(_ context.Context, opened usercsv.Part) (usercsv.PartWriter, error) {
	p.all = append(p.all, &part{Part: opened})
	return p.all[len(p.all)-1], nil
}

func (*parts) Reject(context.Context, *usercsv.Rejected) error { return nil }

type part struct {
	bytes.Buffer
	usercsv.Part
}

func (*part) Lines() io.Writer                { return io.Discard }
func (*part) Close(usercsv.PartSummary) error { return nil }
func (*part) Discard() error                  { return nil }

// double is Cognito with one pool.
type double struct {
	*cognito.Service
	pool   pool
	logs   *logs.Service
	client *cognitoidentityprovider.Client
}

func newDouble(t *testing.T, p pool) double {
	t.Helper()
	account := &wire.Account{ID: "111122223333", Region: "us-east-1", IDs: wire.NewIDs(1)}
	lines := logs.New(account)
	settings := cognito.Defaults()
	settings.FailFraction, settings.UsersPerSecond = 2, 1000
	service := cognito.New(account, lines, settings)
	t.Cleanup(service.Close)
	if _, err := service.AddPool(p.json(), nil); err != nil {
		t.Fatal(err)
	}
	return double{service, p, lines, cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://localhost"), Retryer: aws.NopRetryer{},
		HTTPClient:  &http.Client{Transport: directly{service}},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})}
}

// directly calls a handler without a network, so that all of it runs in virtual time.
type directly struct{ http.Handler }

func (d directly) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

func (d double) header(t *testing.T) []string {
	t.Helper()
	out, err := d.client.GetCSVHeader(t.Context(), &cognitoidentityprovider.GetCSVHeaderInput{UserPoolId: &d.pool.ID})
	if err != nil {
		t.Fatal(err)
	}
	return out.CSVHeader
}

// run imports a part, and returns what the job's log says of each row.
func (d double) run(t *testing.T, p *part) []string {
	t.Helper()
	created, err := d.client.CreateUserImportJob(t.Context(), &cognitoidentityprovider.CreateUserImportJobInput{
		JobName: aws.String("job"), UserPoolId: &d.pool.ID, PasswordHashingAlgorithm: types.PasswordHashingAlgorithmType(p.Algorithm),
		CloudWatchLogsRoleArn: aws.String("arn:aws:iam::111122223333:role/CognitoLogs"),
	})
	if err != nil {
		t.Fatal(err)
	}
	job := created.UserImportJob
	upload, err := http.NewRequestWithContext(t.Context(), http.MethodPut, *job.PreSignedUrl, bytes.NewReader(p.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	upload.Header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
	answer, err := directly{d.Service}.RoundTrip(upload)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	if _, err := d.client.StartUserImportJob(t.Context(), &cognitoidentityprovider.StartUserImportJobInput{
		UserPoolId: &d.pool.ID, JobId: job.JobId,
	}); err != nil {
		t.Fatal(err)
	}
	for d.ActiveJobs() > 0 {
		time.Sleep(time.Minute)
	}
	ended := d.Jobs(d.pool.ID)[slices.IndexFunc(d.Jobs(d.pool.ID), func(j cognito.Job) bool { return j.JobID == *job.JobId })]
	messages := d.logs.Messages("/aws/cognito/userpools/"+d.pool.ID+"/"+d.pool.Name, *job.JobId+"/job")
	rows := bytes.Count(p.Bytes(), []byte("\n")) - 1
	if ended.Status != "Succeeded" || len(messages) != rows+2 {
		text, _ := json.Marshal(ended)
		return append(messages, fmt.Sprintf("%d rows, %d lines in the log, job %s", rows, len(messages), text))
	}
	return messages[2:] // two test lines come first
}
