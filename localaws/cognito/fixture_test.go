package cognito_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"userdrop/localaws/cognito"
	"userdrop/localaws/logs"
	"userdrop/localaws/wire"
)

const (
	poolID   = "us-east-1_Example01"
	roleARN  = "arn:aws:iam::111122223333:role/CognitoLogs"
	logGroup = "/aws/cognito/userpools/" + poolID + "/people"
	header   = "email,email_verified,phone_number,phone_number_verified,birthdate,custom:level,custom:team," +
		"cognito:mfa_enabled,cognito:username"
)

// poolJSON describes a pool with email verified, a required email, and two custom attributes.
const poolJSON = `{"UserPool": {
	"Id": "us-east-1_Example01", "Name": "people", "CreationDate": "2026-11-01T10:00:00.500000+01:00",
	"AutoVerifiedAttributes": ["email"], "MfaConfiguration": "OFF",
	"SchemaAttributes": [
		{"Name": "sub", "AttributeDataType": "String", "Required": true},
		{"Name": "email", "AttributeDataType": "String", "Required": true,
			"StringAttributeConstraints": {"MinLength": "0", "MaxLength": "2048"}},
		{"Name": "birthdate", "AttributeDataType": "String",
			"StringAttributeConstraints": {"MinLength": "10", "MaxLength": "10"}},
		{"Name": "custom:level", "AttributeDataType": "Number",
			"NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "9"}},
		{"Name": "custom:team", "AttributeDataType": "String",
			"StringAttributeConstraints": {"MinLength": "2", "MaxLength": "5"}}
	]}}`

// handlerTransport calls a handler without a network, so that all of it runs in a bubble of virtual time.
type handlerTransport struct{ handler http.Handler }

func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	t.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

type fixture struct {
	*cognito.Service
	account *wire.Account
	logs    *logs.Service
	client  *cognitoidentityprovider.Client
	http    *http.Client
	trace   *[]string
}

// setUp makes a service with the pool above, less what change says otherwise.
func setUp(t *testing.T, change func(*cognito.Settings), poolChanges ...string) fixture {
	t.Helper()
	settings := cognito.Defaults()
	settings.HashColumn = false
	if change != nil {
		change(&settings)
	}
	if err := settings.Validate(); err != nil {
		t.Fatal(err)
	}
	account := &wire.Account{ID: "111122223333", Region: "us-east-1", IDs: wire.NewIDs(1)}
	lines := logs.New(account)
	service := cognito.New(account, lines, settings)
	trace := &[]string{}
	service.OnJob = func(j cognito.Job) { *trace = append(*trace, j.Status) }
	t.Cleanup(service.Close)
	csvHeader, err := json.Marshal(map[string]any{"CSVHeader": strings.Split(header, ",")})
	if err != nil {
		t.Fatal(err)
	}
	pool := strings.NewReplacer(poolChanges...).Replace(poolJSON)
	if strings.Contains(pool, `"header": "built"`) {
		csvHeader = nil
	}
	if _, err := service.AddPool([]byte(pool), csvHeader); err != nil {
		t.Fatal(err)
	}
	httpClient := &http.Client{Transport: handlerTransport{service}}
	return fixture{service, account, lines, newClient(httpClient, "http://localhost"), httpClient, trace}
}

func newClient(httpClient *http.Client, endpoint string) *cognitoidentityprovider.Client {
	return cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: httpClient, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func (f fixture) create(t *testing.T, algorithm string) (id, url string) {
	t.Helper()
	in := &cognitoidentityprovider.CreateUserImportJobInput{
		JobName: aws.String("job"), UserPoolId: aws.String(poolID), CloudWatchLogsRoleArn: aws.String(roleARN),
	}
	in.PasswordHashingAlgorithm = types.PasswordHashingAlgorithmType(algorithm)
	out, err := f.client.CreateUserImportJob(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.UserImportJob.JobId), aws.ToString(out.UserImportJob.PreSignedUrl)
}

// put uploads a body as it should be done, and returns S3's status and code.
func (f fixture) put(t *testing.T, url, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
	return f.send(t, r)
}

func (f fixture) send(t *testing.T, r *http.Request) string {
	t.Helper()
	response, err := f.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(text), "<Code>")
	code, _, _ = strings.Cut(code, "</Code>")
	return strings.TrimSpace(response.Status[:3] + " " + code)
}

func (f fixture) start(ctx context.Context, id string) error {
	_, err := f.client.StartUserImportJob(ctx, &cognitoidentityprovider.StartUserImportJobInput{
		UserPoolId: aws.String(poolID), JobId: &id,
	})
	return err
}

func (f fixture) stop(ctx context.Context, id string) error {
	_, err := f.client.StopUserImportJob(ctx, &cognitoidentityprovider.StopUserImportJobInput{
		UserPoolId: aws.String(poolID), JobId: &id,
	})
	return err
}

// run imports a file and waits until its job has ended.
func (f fixture) run(t *testing.T, algorithm, csv string) cognito.Job {
	t.Helper()
	id, url := f.create(t, algorithm)
	if got := f.put(t, url, csv); got != "200" {
		t.Fatalf("upload: %s", got)
	}
	if err := f.start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for f.ActiveJobs() > 0 {
		time.Sleep(time.Minute)
	}
	return f.job(t, id)
}

func (f fixture) job(t *testing.T, id string) cognito.Job {
	t.Helper()
	for _, j := range f.Jobs(poolID) {
		if j.JobID == id {
			return j
		}
	}
	t.Fatalf("no job %s", id)
	return cognito.Job{}
}

// rowLines are the lines of a job's rows, without the test lines.
func (f fixture) rowLines(j cognito.Job) []string {
	messages := f.logs.Messages(logGroup, j.JobID+"/"+j.JobName)
	return messages[min(2, len(messages)):]
}

func file(rows ...string) string { return header + "\n" + strings.Join(rows, "\n") + "\n" }

// person is a good row.
func person(name string) string { return name + "@example.com,true,,false,,,,false," + name }

// code is an API error as "Code: message".
func code(err error) string {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return "no API error"
	}
	return api.ErrorCode() + ": " + api.ErrorMessage()
}

func (f fixture) describedURL(t *testing.T, id string) string {
	t.Helper()
	out, err := f.client.DescribeUserImportJob(t.Context(), &cognitoidentityprovider.DescribeUserImportJobInput{
		UserPoolId: aws.String(poolID), JobId: &id,
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.UserImportJob.PreSignedUrl)
}

func files(t *testing.T, directory string) int {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
