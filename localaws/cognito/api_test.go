package cognito_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/cognito"
	"userdrop/localaws/wire"
)

// post sends an operation as it is, without a client that would check it first.
func (f fixture) post(t *testing.T, operation, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	response, err := f.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

func TestRefusals(t *testing.T) {
	tests := []struct{ name, operation, body, want string }{
		{
			"all that is missing", "CreateUserImportJob", `{}`,
			"InvalidParameterException: 3 validation errors detected: " +
				"Value null at 'jobName' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'userPoolId' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'cloudWatchLogsRoleArn' failed to satisfy constraint: Member must not be null",
		},
		{
			"a job name", "CreateUserImportJob",
			`{"JobName": "a/b", "UserPoolId": "us-east-1_Example01", "CloudWatchLogsRoleArn": "` + roleARN + `"}`,
			"InvalidParameterException: 1 validation error detected: Value 'a/b' at 'jobName' failed to satisfy " +
				`constraint: Member must satisfy regular expression pattern: [\w\s+=,.@-]+`,
		},
		{
			"an algorithm", "CreateUserImportJob", `{"JobName": "a", "UserPoolId": "us-east-1_Example01",
				"CloudWatchLogsRoleArn": "` + roleARN + `", "PasswordHashingAlgorithm": "MD5"}`,
			"InvalidParameterException: 1 validation error detected: Value 'MD5' at 'passwordHashingAlgorithm' failed to " +
				"satisfy constraint: Member must satisfy enum value set: [BCRYPT, SCRYPT, ARGON2ID, PBKDF2_SHA256]",
		},
		{
			"too many results", "ListUserImportJobs", `{"UserPoolId": "us-east-1_Example01", "MaxResults": 61}`,
			"InvalidParameterException: 1 validation error detected: Value '61' at 'maxResults' failed to satisfy " +
				"constraint: Member must have value less than or equal to 60",
		},
		{
			"a member that nobody knows", "GetCSVHeader", `{"UserPoolId": "us-east-1_Example01", "Colour": 1}`,
			`SerializationException: unknown field "Colour"`,
		},
		{
			"a pool that is not there", "GetCSVHeader", `{"UserPoolId": "us-east-1_Nobody"}`,
			"ResourceNotFoundException: User pool us-east-1_Nobody does not exist.",
		},
		{
			"a job that is not there", "DescribeUserImportJob",
			`{"UserPoolId": "us-east-1_Example01", "JobId": "import-0123456789"}`,
			"ResourceNotFoundException: User import job import-0123456789 does not exist.",
		},
		{
			"a user who is not there", "AdminGetUser", `{"UserPoolId": "us-east-1_Example01", "Username": "ann"}`,
			"UserNotFoundException: User does not exist.",
		},
		{
			"an operation that the double has not", "SignUp", `{}`,
			`UnknownOperationException: the local double does not know the operation "SignUp"`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := setUp(t, nil)
			status, answer := f.post(t, test.operation, test.body)
			if diff := cmp.Diff(test.want, fmt.Sprintf("%v: %v", answer["__type"], answer["message"])); diff != "" {
				t.Error(diff)
			}
			if status != http.StatusBadRequest {
				t.Errorf("status %d", status)
			}
		})
	}
}

// The shape on the wire: dates are numbers, what does not apply yet is absent, and counters are there.
func TestCreatedJobOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, nil)
		_, answer := f.post(t, "CreateUserImportJob",
			`{"JobName": "job", "UserPoolId": "us-east-1_Example01", "CloudWatchLogsRoleArn": "`+roleARN+`"}`)
		got := answer["UserImportJob"].(map[string]any)
		for _, member := range []string{"JobId", "PreSignedUrl"} {
			if got[member] == nil || got[member] == "" {
				t.Errorf("no %s", member)
			}
			delete(got, member)
		}
		want := map[string]any{
			"JobName": "job", "UserPoolId": poolID, "CreationDate": float64(time.Now().Unix()), "Status": "Created",
			"CloudWatchLogsRoleArn": roleARN, "ImportedUsers": 0.0, "SkippedUsers": 0.0, "FailedUsers": 0.0,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestListJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, func(s *cognito.Settings) {
			s.JobsListedLate = cognito.Duration(10 * time.Second)
			s.JobLimit = 7
		})
		var want []string
		for range 6 {
			id, _ := f.create(t, "")
			want = append(want, id)
		}
		slices.Reverse(want)
		time.Sleep(10 * time.Second)
		f.create(t, "") // not listed yet
		var got []string
		in := &cognitoidentityprovider.ListUserImportJobsInput{UserPoolId: aws.String(poolID), MaxResults: aws.Int32(4)}
		for pages := 1; ; pages++ {
			out, err := f.client.ListUserImportJobs(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range out.UserImportJobs {
				got = append(got, *j.JobId)
			}
			if in.PaginationToken = out.PaginationToken; in.PaginationToken == nil {
				if pages != 2 {
					t.Errorf("%d pages", pages)
				}
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		_, err := f.client.CreateUserImportJob(t.Context(), &cognitoidentityprovider.CreateUserImportJobInput{
			JobName: aws.String("job"), UserPoolId: aws.String(poolID), CloudWatchLogsRoleArn: aws.String(roleARN),
		})
		if got := code(err); !strings.HasPrefix(got, "LimitExceededException") {
			t.Errorf("beyond the limit: %s", got)
		}
	})
}

// witness allows all but one action and notes what it was asked.
type witness struct {
	denied string
	asked  []string
}

func (w *witness) ARN() string { return "arn:aws:sts::111122223333:assumed-role/someone/session" }

func (w *witness) Allows(action, resource string, conditions map[string]string) bool {
	w.asked = append(w.asked, fmt.Sprint(action, " ", resource, " ", conditions["iam:PassedToService"]))
	return action != w.denied
}

func TestCallersAreAuthorised(t *testing.T) {
	create := `{"JobName": "job", "UserPoolId": "us-east-1_Example01", "CloudWatchLogsRoleArn": "` + roleARN + `"}`
	poolARN := "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Example01"
	tests := []struct {
		name, operation, body, denied string
		asked                         []string
		want                          string
	}{
		{
			"creating passes a role", "CreateUserImportJob", create, "",
			[]string{
				"cognito-idp:CreateUserImportJob " + poolARN + " ",
				"iam:PassRole " + roleARN + " cognito-idp.amazonaws.com",
			},
			"",
		},
		{
			"the role may not be passed", "CreateUserImportJob", create, "iam:PassRole",
			[]string{
				"cognito-idp:CreateUserImportJob " + poolARN + " ",
				"iam:PassRole " + roleARN + " cognito-idp.amazonaws.com",
			},
			"AccessDeniedException",
		},
		{
			"reading a header", "GetCSVHeader", `{"UserPoolId": "us-east-1_Example01"}`, "cognito-idp:GetCSVHeader",
			[]string{"cognito-idp:GetCSVHeader " + poolARN + " "},
			"AccessDeniedException",
		},
		{
			"a pool that is not there is not told of", "DescribeUserImportJob",
			`{"UserPoolId": "us-east-1_Other", "JobId": "import-0"}`, "cognito-idp:DescribeUserImportJob",
			[]string{"cognito-idp:DescribeUserImportJob " + strings.Replace(poolARN, "Example01", "Other", 1) + " "},
			"AccessDeniedException",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := setUp(t, nil)
			w := &witness{denied: test.denied}
			f.http.Transport = handlerTransport{http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				f.ServeHTTP(rw, r.WithContext(wire.WithPrincipal(r.Context(), w)))
			})}
			_, answer := f.post(t, test.operation, test.body)
			got, _ := answer["__type"].(string)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.asked, w.asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setUp(t, nil)
		out, err := f.client.CreateUserPool(t.Context(), &cognitoidentityprovider.CreateUserPoolInput{
			PoolName: aws.String("scratch"), AutoVerifiedAttributes: []types.VerifiedAttributeType{"email"},
			Schema: []types.SchemaAttributeType{
				{Name: aws.String("email"), Required: aws.Bool(true)},
				{Name: aws.String("level"), AttributeDataType: types.AttributeDataTypeNumber},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		id := out.UserPool.Id
		csvHeader, err := f.client.GetCSVHeader(t.Context(), &cognitoidentityprovider.GetCSVHeaderInput{UserPoolId: id})
		if err != nil {
			t.Fatal(err)
		}
		wantEnd := []string{"updated_at", "custom:level", "cognito:mfa_enabled", "cognito:username"}
		if diff := cmp.Diff(wantEnd, csvHeader.CSVHeader[18:]); diff != "" {
			t.Error(diff)
		}

		job, err := f.client.CreateUserImportJob(t.Context(), &cognitoidentityprovider.CreateUserImportJobInput{
			JobName: aws.String("job"), UserPoolId: id, CloudWatchLogsRoleArn: aws.String(roleARN),
		})
		if err != nil {
			t.Fatal(err)
		}
		f.put(t, *job.UserImportJob.PreSignedUrl, strings.Join(csvHeader.CSVHeader, ",")+"\n"+strings.Repeat("x\n", 70))
		if _, err := f.client.StartUserImportJob(t.Context(), &cognitoidentityprovider.StartUserImportJobInput{
			UserPoolId: id, JobId: job.UserImportJob.JobId,
		}); err != nil {
			t.Fatal(err)
		}
		update := &cognitoidentityprovider.UpdateUserPoolInput{UserPoolId: id, MfaConfiguration: "OPTIONAL"}
		remove := &cognitoidentityprovider.DeleteUserPoolInput{UserPoolId: id}
		_, err = f.client.UpdateUserPool(t.Context(), update)
		_, err2 := f.client.DeleteUserPool(t.Context(), remove)
		for _, err := range []error{err, err2} {
			if got := code(err); !strings.HasPrefix(got, "UserImportInProgressException: ") {
				t.Errorf("while importing: %s", got)
			}
		}
		time.Sleep(time.Minute)
		if _, err := f.client.UpdateUserPool(t.Context(), update); err != nil {
			t.Error(err)
		}
		described, err := f.client.DescribeUserPool(t.Context(),
			&cognitoidentityprovider.DescribeUserPoolInput{UserPoolId: id})
		if err != nil {
			t.Fatal(err)
		}
		updated := described.UserPool
		got := fmt.Sprint(updated.MfaConfiguration, updated.AutoVerifiedAttributes, *updated.Name)
		if diff := cmp.Diff("OPTIONAL[]scratch", got); diff != "" { // what an update leaves out is reset
			t.Error(diff)
		}
		if _, err := f.client.DeleteUserPool(t.Context(), remove); err != nil {
			t.Error(err)
		}
		pools, err := f.client.ListUserPools(t.Context(),
			&cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(9)})
		if err != nil || len(pools.UserPools) != 1 || *pools.UserPools[0].Id != poolID {
			t.Errorf("%+v, %v", pools, err)
		}
	})
}

// What "aws cognito-idp describe-user-pool" printed comes back as the wire has it.
func TestDescribeGivenPool(t *testing.T) {
	f := setUp(t, nil)
	_, answer := f.post(t, "DescribeUserPool", `{"UserPoolId": "us-east-1_Example01"}`)
	pool := answer["UserPool"].(map[string]any)
	want := []any{
		float64(time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC).Unix()) + 0.5,
		"arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Example01", 0.0,
	}
	if diff := cmp.Diff(want, []any{pool["CreationDate"], pool["Arn"], pool["EstimatedNumberOfUsers"]}); diff != "" {
		t.Error(diff)
	}
}

func TestSettings(t *testing.T) {
	for seed := range uint64(200) {
		drawn := cognito.Random(wire.NewIDs(seed))
		if err := drawn.Validate(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if diff := cmp.Diff(drawn, cognito.Random(wire.NewIDs(seed))); diff != "" {
			t.Errorf("seed %d does not repeat: %s", seed, diff)
		}
		text, err := json.Marshal(drawn)
		if err != nil {
			t.Fatal(err)
		}
		var read cognito.Settings
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(drawn, read); diff != "" {
			t.Errorf("seed %d, written and read: %s", seed, diff)
		}
	}
	wrong := cognito.Defaults()
	wrong.LockScope = "planet"
	if err := wrong.Validate(); err == nil || !strings.Contains(err.Error(), "lockScope") {
		t.Errorf("a wrong setting: %v", err)
	}
}
