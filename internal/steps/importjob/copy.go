package importjob

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
)

// Copy streams a part to its job's upload URL.
type Copy struct {
	Cognito describer
	Create  *Create
	S3      *s3.Client
	HTTP    *http.Client
}

// NewCopy builds the handler of functions/copy-to-import-job.
func NewCopy(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[CreateConfig](environ)
	if err != nil {
		return nil, err
	}
	// Signed for one host: a redirect would carry the part elsewhere.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	switch c := cfg.HTTPClient.(type) {
	case *awshttp.BuildableClient:
		client.Transport = c.GetTransport()
	case *http.Client:
		client.Transport = c.Transport
	}
	return lambdahandler.Handler((&Copy{
		Cognito: cognito.NewFromConfig(cfg), Create: newCreate(cfg, config), S3: s3.NewFromConfig(cfg), HTTP: client,
	}).Handle), nil
}

// margin is how much of the upload URL's 15 minutes must be left to begin with it.
const margin = 30 * time.Second

// Handle answers with Uploaded, or with Lapsed when the URL can't be used any more. A job that runs or ended already
// needs nothing.
func (c *Copy) Handle(ctx context.Context, job contract.ImportJob) (contract.ImportJob, error) {
	if !created(job.Job) {
		return job, nil
	}
	described, err := describe(ctx, c.Cognito, job)
	if err != nil {
		return job, err
	}
	job.Job = State(described)
	if !created(job.Job) {
		return job, nil
	}
	address := aws.ToString(described.PreSignedUrl)
	fresh := address == ""
	if fresh {
		// AWS's samples show the URL in every answer, but only Create is bound to give one: take another job's.
		job.Attempt++
		if job, address, err = c.Create.create(ctx, job); err != nil || job.Job.ID == "" {
			return job, err
		}
	}
	target, err := url.Parse(address)
	if err != nil || target.Host == "" || lapses(target).Before(time.Now().Add(margin)) {
		job.Lapsed = true // err would show the URL, which is a credential
		return job, nil
	}
	part, err := objects.OpenVersion(ctx, c.S3, job.Object)
	if err != nil {
		return job, err
	}
	defer part.Close()
	code, err := Upload(ctx, c.HTTP, target, part, job.Object.Bytes)
	if err != nil && fresh { // a retry would not have this URL: it would take yet another job, with nobody counting
		slog.WarnContext(ctx, "The upload failed.", "importId", job.ImportID, "jobId", job.Job.ID, "error", err)
		job.Lapsed = true
		return job, nil
	}
	if err != nil {
		return job, err
	}
	switch code {
	case "":
		job.Uploaded, job.Lapses = true, 0
	case "AccessDenied", "ExpiredToken", "RequestExpired", "PreconditionFailed":
		// The URL ended earlier than it said, or takes no second upload after a lost answer: Start will tell.
		job.Lapsed = true
		slog.WarnContext(ctx, "The upload URL is refused.", "importId", job.ImportID, "jobId", job.Job.ID, "code", code)
	default:
		return job, fmt.Errorf("upload to import job %s: S3 answered %s", job.Job.ID, code)
	}
	return job, nil
}

// Upload puts a file to a job's upload URL and returns S3's error code, empty for success. Faults that pass are
// Unavailable. No error shows the URL.
//
// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-using-import-tool.html demands the
// header, which the URL signs; S3 takes no chunked body.
func Upload(
	ctx context.Context, client *http.Client, target *url.URL, body io.Reader, size int64,
) (code string, err error) {
	request := (&http.Request{
		Method: http.MethodPut, URL: target, Host: target.Host, ContentLength: size,
		Header: http.Header{"X-Amz-Server-Side-Encryption": {"aws:kms"}},
		Body:   io.NopCloser(body),
	}).WithContext(ctx)
	response, err := client.Do(request)
	if err != nil {
		// A url.Error prints the whole URL, token and all: take only its cause.
		if at, ok := errors.AsType[*url.Error](err); ok {
			err = at.Err
		}
		return "", &contract.Error{Name: contract.Unavailable, Err: fmt.Errorf("upload to the import job: %w", err)}
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return "", nil
	}
	// The body of a refusal repeats the signature and the token: only its code may be shown.
	var refusal struct {
		Code string `xml:"Code"`
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if xml.Unmarshal(text, &refusal) != nil || refusal.Code == "" {
		refusal.Code = "HTTP" + strconv.Itoa(response.StatusCode)
	}
	broken := refusal.Code == "RequestTimeout" || refusal.Code == "IncompleteBody" // our connection, not what it brings
	if broken ||
		response.StatusCode >= http.StatusInternalServerError && response.StatusCode != http.StatusNotImplemented {
		return "", &contract.Error{
			Name: contract.Unavailable, Err: fmt.Errorf("upload to the import job: S3 answered %s", refusal.Code),
		}
	}
	return refusal.Code, nil
}

// lapses is when a presigned URL ends: X-Amz-Date plus X-Amz-Expires. A URL that tells neither is taken as good.
func lapses(signed *url.URL) time.Time {
	query := signed.Query()
	date, errDate := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	seconds, errExpires := strconv.Atoi(query.Get("X-Amz-Expires"))
	if errDate != nil || errExpires != nil {
		return time.Now().Add(time.Hour)
	}
	return date.Add(time.Duration(seconds) * time.Second)
}
