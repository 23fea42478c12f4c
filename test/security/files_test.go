package security_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"userdrop/internal/contract"
	"userdrop/localaws/s3"
	"userdrop/test/simulation"
)

// people is a file of n users.
func people(n int) string {
	var b strings.Builder
	b.WriteString("username,email,email_verified\n")
	for i := range n {
		fmt.Fprintf(&b, "user%d,user%d@example.com,true\n", i, i)
	}
	return b.String()
}

// long is a file of good rows and of rows with a field too many, with values of the given lengths.
func long(good, goodLength, bad, badLength int) string {
	var b strings.Builder
	b.WriteString("username,email,email_verified,name\n")
	for i := range good {
		fmt.Fprintf(&b, "user%d,user%[1]d@example.com,true,%s\n", i, strings.Repeat("n", goodLength))
	}
	for i := range bad {
		fmt.Fprintf(&b, "bad%d,,,%s,,\n", i, strings.Repeat("b", badLength))
	}
	return b.String()
}

// leftClaims sweeps files that sweeps before claimed: one that died, one that did not take the file, and one that took
// it and came to nothing.
func leftClaims(t *testing.T, w *simulation.World) {
	drop(t, w, "incoming/"+pool+"/first.csv", people(1))
	settle(t, w, 1)
	time.Sleep(70 * time.Minute)
	drop(t, w, "incoming/"+pool+"/users.csv", people(2000))
	for len(w.Imports()) < 2 {
		time.Sleep(time.Millisecond)
	}
	// Before it has a job. No event tells abort-import, and the hourly sweep does so an hour from now, when the schedule
	// was here.
	stop(t, w)
	done, broken := w.Imports()[0].Name, w.Imports()[1].Name
	var list []string
	for _, claim := range []struct{ name, holder string }{{"a", "died"}, {"b", done}, {"c", broken}, {"d", broken}} {
		key := "scheduled/" + pool + "/" + claim.name + ".csv"
		text := fmt.Sprintf("username,email\n%s,%[1]s@example.com\n", claim.name)
		version := drop(t, w, key, text)
		id := contract.ImportID(contract.Object{Bucket: w.Inbox(), Key: key, VersionID: version, ETag: etag(t, w, key)})
		if _, err := w.S3.Put(w.Work(), contract.ClaimKey(id), []byte(claim.holder)); err != nil {
			t.Fatal(err)
		}
		if claim.holder == broken {
			list = append(list, fmt.Sprintf(`{"bucket": %q, "key": %q, "versionId": %q, "etag": %q, "bytes": %d}`,
				w.Inbox(), key, version, etag(t, w, key), len(text)))
		}
	}
	if _, err := w.S3.Put(w.Work(), "sweeps/"+broken+".json", []byte("["+strings.Join(list, ",")+"]")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Hour) // the hourly sweep takes the first claim over, the nightly one the others
	settle(t, w, 4, broken)
}

// sourceIsPart drops files that need no change, one beside the schedule and one for it. The first row of each is there
// already, so that the job halts and the rest goes on.
func sourceIsPart(t *testing.T, w *simulation.World) {
	drop(t, w, "incoming/"+pool+"/first.csv", people(1))
	settle(t, w, 1)
	out, err := cognitoidentityprovider.NewFromConfig(w.Config("")).GetCSVHeader(t.Context(),
		&cognitoidentityprovider.GetCSVHeaderInput{UserPoolId: aws.String(pool)})
	if err != nil {
		t.Fatal(err)
	}
	native := func(users ...string) string {
		lines := []string{strings.Join(out.CSVHeader, ",")}
		for _, user := range users {
			values := map[string]string{
				"cognito:username": user, "email": user + "@example.com", "email_verified": "true",
				"phone_number_verified": "false", "cognito:mfa_enabled": "false",
			}
			var row []string
			for _, column := range out.CSVHeader {
				row = append(row, values[column])
			}
			lines = append(lines, strings.Join(row, ","))
		}
		return strings.Join(lines, "\n") + "\n"
	}
	drop(t, w, "incoming/"+pool+"/native.csv", native("user0", "ada", "grace"))
	drop(t, w, "scheduled/"+pool+"/native.csv", native("user0", "alan", "edsger"))
	time.Sleep(3 * time.Hour)
	settle(t, w, 3)
}

func etag(t *testing.T, w *simulation.World, key string) string {
	t.Helper()
	etag, err := w.S3.ETag(w.Inbox(), key)
	if err != nil {
		t.Fatal(err)
	}
	return etag
}

// huge is an object of 6 GB that nobody reads.
func huge() s3.Source {
	return s3.Source{Size: 6 << 30, Open: func() io.Reader { return strings.NewReader("") }}
}
