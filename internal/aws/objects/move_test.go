package objects_test

import (
	"bytes"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

// world is a stack to read from and write to.
func world(t *testing.T) *simulation.World {
	t.Helper()
	w, err := simulation.New(localaws.Options{
		Cognito: cognito.Defaults(), Parameters: map[string]string{
			"UserPoolArns": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Example1",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// TestMove moves objects on either side of what S3 copies at once; the double refuses what S3 would.
func TestMove(t *testing.T) {
	for name, text := range map[string]string{
		"at once":              "12345678",
		"by parts":             "123456789",
		"by parts of one size": "123456789012",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := world(t)
				w.S3.MaxOperation, w.S3.MinPart = 8, 1
				const key, to = "elsewhere/a b+c?é.csv", "processed/users.csv"
				version, err := w.S3.Put(w.Inbox(), key, []byte(text))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.S3.Put(w.Inbox(), key, []byte("newer")); err != nil {
					t.Fatal(err)
				}
				mover := objects.Mover{Client: s3.NewFromConfig(w.Config("")), MaxCopy: 8, Part: 4}
				from := contract.Object{Bucket: w.Inbox(), Key: key, VersionID: version, Bytes: int64(len(text))}
				for range 2 { // a version that is not there is moved already
					if err := mover.Move(t.Context(), from, to); err != nil {
						t.Fatal(err)
					}
				}
				got := map[string]string{}
				keys, err := w.S3.Keys(w.Inbox(), "")
				if err != nil {
					t.Fatal(err)
				}
				for _, key := range keys {
					text, err := w.S3.Get(w.Inbox(), key)
					if err != nil {
						t.Fatal(err)
					}
					got[key] = string(text)
				}
				if diff := cmp.Diff(map[string]string{key: "newer", to: text}, got); diff != "" {
					t.Errorf("inbox (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestMoveAnswerLost loses S3's answer that a copy by parts is complete: asked again, S3 knows no such upload any more.
func TestMoveAnswerLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world(t)
		w.S3.MaxOperation, w.S3.MinPart = 8, 1
		from := contract.Object{Bucket: w.Inbox(), Key: "elsewhere/users.csv", Bytes: 9}
		var err error
		if from.VersionID, err = w.S3.Put(from.Bucket, from.Key, []byte("123456789")); err != nil {
			t.Fatal(err)
		}
		config := w.Config("")
		config.Retryer = func() aws.Retryer { return retry.NewStandard() }
		config.HTTPClient = &forgetful{to: config.HTTPClient.Do}
		mover := objects.Mover{Client: s3.NewFromConfig(config), MaxCopy: 8, Part: 4}
		if err = mover.Move(t.Context(), from, "processed/users.csv"); err != nil { // then its state is tried again
			err = mover.Move(t.Context(), from, "processed/users.csv")
		}
		keys, errKeys := w.S3.Keys(w.Inbox(), "")
		if diff := cmp.Diff([]string{"processed/users.csv"}, keys); diff != "" || err != nil || errKeys != nil {
			t.Errorf("%v, %v, inbox (-want +got):\n%s", err, errKeys, diff)
		}
	})
}

// forgetful loses the first answer that an upload is complete.
type forgetful struct {
	to   func(*http.Request) (*http.Response, error)
	lost bool
}

func (f *forgetful) Do(r *http.Request) (*http.Response, error) {
	response, err := f.to(r)
	if f.lost || r.Method != http.MethodPost || !r.URL.Query().Has("uploadId") {
		return response, err
	}
	f.lost = true
	_ = response.Body.Close()
	return nil, &net.OpError{Op: "read", Err: syscall.ECONNRESET} // the SDK asks again
}

// TestMoveLarge moves an object of 500 pieces, each of which takes S3 20 seconds to copy, in the time of a function.
func TestMoveLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world(t)
		w.S3.MaxOperation, w.S3.MinPart = 8, 1
		text := []byte(strings.Repeat("1234", 500))
		from := contract.Object{Bucket: w.Inbox(), Key: "elsewhere/users.csv", Bytes: int64(len(text))}
		var err error
		if from.VersionID, err = w.S3.Put(from.Bucket, from.Key, text); err != nil {
			t.Fatal(err)
		}
		config := w.Config("")
		config.HTTPClient = slow{config.HTTPClient.Do}
		began := time.Now()
		mover := objects.Mover{Client: s3.NewFromConfig(config), MaxCopy: 8, Part: 4}
		err = mover.Move(t.Context(), from, "processed/users.csv")
		if took := time.Since(began); err != nil || took > 15*time.Minute {
			t.Errorf("%v after %v", err, took)
		}
		if got, err := w.S3.Get(w.Inbox(), "processed/users.csv"); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%v, and %d bytes arrived, not those of the object", err, len(got))
		}
	})
}

// slow takes 20 seconds to copy a piece.
type slow struct {
	to func(*http.Request) (*http.Response, error)
}

func (s slow) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Has("partNumber") {
		time.Sleep(20 * time.Second)
	}
	return s.to(r)
}
