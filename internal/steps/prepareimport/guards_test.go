package prepareimport_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/events"
)

// TestSidecar drops a file beside what its sender says of it.
func TestSidecar(t *testing.T) {
	file := users("ada", "grace", "nobody!")
	hash := sha256.Sum256([]byte(file))
	sum := hex.EncodeToString(hash[:])
	for _, c := range []struct{ name, sidecar, want string }{
		{"rows, with the rejected", `{"rows": 3}`, "PARTIAL"},
		{"hash", `{"sha256": "` + sum + `"}`, "PARTIAL"},
		{"both, upper case", `{"rows": 3, "sha256": "` + strings.ToUpper(sum) + `"}` + "\n", "PARTIAL"},
		{"other rows", `{"rows": 2}`, "REJECTED ManifestMismatch"},
		{"no rows", `{"rows": 0}`, "REJECTED ManifestMismatch"},
		{"other hash", `{"sha256": "` + strings.Repeat("0", 64) + `"}`, "REJECTED ManifestMismatch"},
		{"one of both", `{"rows": 3, "sha256": "` + strings.Repeat("0", 64) + `"}`, "REJECTED ManifestMismatch"},
		{"short hash", `{"sha256": "` + sum[1:] + `"}`, "REJECTED ManifestMismatch"},
		{"rows as text", `{"rows": "3"}`, "REJECTED ManifestMismatch"},
		{"fewer than none", `{"rows": -3}`, "REJECTED ManifestMismatch"},
		{"misspelt", `{"row": 3}`, "REJECTED ManifestMismatch"},
		{"says nothing", `{}`, "REJECTED ManifestMismatch"},
		{"not JSON", `rows=3`, "REJECTED ManifestMismatch"},
		{"two values", `{"rows": 3} {"rows": 4}`, "REJECTED ManifestMismatch"},
		{"empty", ``, "REJECTED ManifestMismatch"},
		{"too long to be one", `{"rows": 3` + strings.Repeat(" ", 400<<10) + `}`, "REJECTED ManifestMismatch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, stack{}, func(t *testing.T, w world) {
				w.put("incoming/"+pool+"/users.csv.manifest.json", c.sidecar)
				r := w.drop("incoming/"+pool+"/users.csv", file)
				got := string(r.Verdict)
				if r.Verdict == contract.VerdictRejected {
					got += " " + strings.Join(codes(r.Problems), " ")
				}
				if got != c.want {
					t.Errorf("%s, want %s: %s", got, c.want, encoded(t, r.Problems))
				}
				if n := w.Cognito.UserCount(pool); (n > 0) != (r.Verdict == contract.VerdictPartial) {
					t.Errorf("%d users in the pool", n)
				}
				waiting, moved := w.keys()
				if diff := cmp.Diff([]string{"users.csv", "users.csv.manifest.json"}, moved); diff != "" || len(waiting) > 0 {
					t.Errorf("waiting: %q; moved (-want +got):\n%s", waiting, diff)
				}
			})
		})
	}
}

// TestSidecarOfNextDrop leaves a sidecar that was put while the file before it was imported.
func TestSidecarOfNextDrop(t *testing.T) {
	slow := stack{options: func(o *localaws.Options) { o.Cognito.UsersPerSecond = 0.01 }}
	inWorld(t, slow, func(t *testing.T, w world) {
		key := "incoming/" + pool + "/users.csv"
		w.put(key+".manifest.json", `{"rows": 1}`)
		w.put(key, users("ada"))
		time.Sleep(time.Minute)
		w.put(key+".manifest.json", `{"rows": 2}`)
		w.results()
		if waiting, _ := w.keys(); !cmp.Equal(waiting, []string{key + ".manifest.json"}) {
			t.Fatalf("the next sidecar is gone: %q", waiting)
		}
		if r := w.drop(key, users("grace")); r.Verdict != contract.VerdictRejected {
			t.Errorf("verdict %s of a file that the next sidecar does not fit", r.Verdict)
		}
	})
}

// TestMaxRejectedPercent refuses a file that is mostly wrong.
func TestMaxRejectedPercent(t *testing.T) {
	rows := func(good, bad int) string {
		var names []string
		for i := range good + bad {
			name := fmt.Sprintf("u%d%d", good, i)
			if i >= good {
				name += "!"
			}
			names = append(names, name)
		}
		return users(names...)
	}
	guarded := stack{parameters: map[string]string{"MaxRejectedPercent": "10"}}
	for _, c := range []struct {
		name      string
		good, bad int
		stack     stack
		key       string
		want      string
	}{
		{"off", 1, 9, stack{}, "incoming", "PARTIAL BadEmail 10 read"},
		{"at the limit", 9, 1, guarded, "incoming", "PARTIAL BadEmail 10 read"},
		{"above it", 8, 1, guarded, "incoming", "REJECTED TooManyRejected 0 read"},
		{
			"none tolerated", 99, 1,
			stack{parameters: map[string]string{"MaxRejectedPercent": "0"}},
			"incoming",
			"REJECTED TooManyRejected 0 read",
		},
		{
			"at a limit with a fraction", 39, 1, // which CloudFormation lets a Number have
			stack{parameters: map[string]string{"MaxRejectedPercent": "2.5", "MaxWaitForOthersDays": "1.5"}},
			"incoming",
			"PARTIAL BadEmail 40 read",
		},
		{
			"above a limit with a fraction", 38, 1,
			stack{parameters: map[string]string{"MaxRejectedPercent": "2.5"}},
			"incoming",
			"REJECTED TooManyRejected 0 read",
		},
		{"a dry run shows them", 8, 1, guarded, "check", "CHECKED TooManyRejected BadEmail 9 read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, c.stack, func(t *testing.T, w world) {
				r := w.drop(c.key+"/"+pool+"/users.csv", rows(c.good, c.bad))
				got := fmt.Sprintf("%s %s %d read", r.Verdict, strings.Join(codes(r.Problems), " "), r.Rows.Read)
				if got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
				if r.Verdict != contract.VerdictRejected && len(w.failed(r.Files.Failed)) != c.bad {
					t.Errorf("failed.csv: %q", w.failed(r.Files.Failed))
				}
				if n := w.Cognito.UserCount(pool); r.Verdict != contract.VerdictPartial && n > 0 {
					t.Errorf("%d users in the pool", n)
				}
			})
		})
	}
	t.Run("one file of a sweep", func(t *testing.T) {
		inWorld(t, guarded, func(t *testing.T, w world) {
			w.put("scheduled/"+pool+"/a.csv", rows(1, 1))
			w.put("scheduled/"+pool+"/b.csv", rows(20, 2))
			w.put("scheduled/"+pool+"/b.csv.manifest.json", `{"rows": 22}`)
			w.put("scheduled/"+pool+"/c.csv", rows(3, 0))
			w.put("scheduled/"+pool+"/c.csv.manifest.json", `{"rows": 4}`)
			r := w.sweep()
			var got []string
			for _, s := range r.Sources {
				got = append(got, fmt.Sprintf("%s %d of %d", strings.Join(codes(s.Problems), " "), s.Rows.Submitted, s.Rows.Read))
			}
			want := []string{"TooManyRejected 0 of 0", "BadEmail 20 of 22", "ManifestMismatch 0 of 0"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sources (-want +got):\n%s", diff)
			}
			if waiting, moved := w.keys(); len(waiting) > 0 || len(moved) != 5 {
				t.Errorf("waiting %q, moved %q", waiting, moved)
			}
		})
	})
}

// TestPools tells by the key which pool a file is for.
func TestPools(t *testing.T) {
	for _, c := range []struct {
		key, defaultPool, want string
	}{
		{"incoming/" + pool + "/users.csv", "", pool + " SUCCEEDED"},
		{"incoming/" + pool + "/of/the/team/users.csv", "", pool + " SUCCEEDED"},
		{"incoming/users.csv", pool, pool + " SUCCEEDED"},
		{"incoming/users.csv", "", " REJECTED PoolNotAllowed"},
		{"incoming/us-east-1_Unknown/users.csv", pool, "us-east-1_Unknown REJECTED PoolNotAllowed"},
		{"incoming/not a pool/users.csv", pool, " REJECTED PoolNotAllowed"},
		{"incoming/" + strings.Repeat("x", 60) + "_y/users.csv", pool, " REJECTED PoolNotAllowed"},
		{"check/us-east-1_Unknown/users.csv", pool, "us-east-1_Unknown REJECTED PoolNotAllowed"},
		{"check/users.csv", pool, pool + " CHECKED"},
	} {
		t.Run(c.key+" default "+c.defaultPool, func(t *testing.T) {
			inWorld(t, stack{parameters: map[string]string{"DefaultUserPoolId": c.defaultPool}}, func(t *testing.T, w world) {
				r := w.drop(c.key, users("ada"))
				got := fmt.Sprintf("%s %s %s", r.UserPoolID, r.Verdict, strings.Join(codes(r.Problems), " "))
				got = strings.TrimSuffix(got, " ")
				if got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
				if events, messages := len(w.Published()), len(w.SNS.Messages()); events != 1 || messages != 1 {
					t.Errorf("%d events and %d messages", events, messages)
				}
				if waiting, _ := w.keys(); len(waiting) > 0 {
					t.Errorf("waiting: %q", waiting)
				}
			})
		})
	}
	t.Run("a pool of the stack that was deleted", func(t *testing.T) {
		inWorld(t, stack{}, func(t *testing.T, w world) {
			w.Cognito.RemovePool(pool)
			r := w.drop("incoming/"+pool+"/users.csv", users("ada"))
			if diff := cmp.Diff([]string{"PoolNotAllowed"}, codes(r.Problems)); diff != "" || r.Verdict != contract.VerdictRejected {
				t.Errorf("verdict %s, problems (-want +got):\n%s", r.Verdict, diff)
			}
		})
	})
}

// late lets a drop's event come ten minutes late.
func late(o *localaws.Options) {
	o.Deliveries = func(rule, _ string, _ events.Envelope, usual time.Duration) []time.Duration {
		if strings.HasSuffix(rule, "ObjectCreatedRule") {
			usual = 10 * time.Minute
		}
		return []time.Duration{usual}
	}
}

// TestSourceGone deletes a file for good before it is read.
func TestSourceGone(t *testing.T) {
	inWorld(t, stack{options: late}, func(t *testing.T, w world) {
		key, inbox := "incoming/"+pool+"/users.csv", w.Inbox()
		version := w.put(key, users("ada"))
		_, err := s3.NewFromConfig(w.Config("")).DeleteObject(t.Context(), &s3.DeleteObjectInput{
			Bucket: &inbox, Key: &key, VersionId: &version,
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Minute)
		all := w.results()
		if len(all) != 1 || all[0].Verdict != contract.VerdictRejected || !cmp.Equal(codes(all[0].Problems), []string{"SourceGone"}) {
			t.Fatalf("results: %s", encoded(t, all))
		}
		if waiting, moved := w.keys(); len(waiting)+len(moved) > 0 {
			t.Errorf("waiting %q, moved %q", waiting, moved)
		}
	})
}

// TestOverwritten puts another file by the same key before the first is read: each is a drop of its own.
func TestOverwritten(t *testing.T) {
	inWorld(t, stack{options: late}, func(t *testing.T, w world) {
		w.put("incoming/"+pool+"/users.csv", users("ada"))
		time.Sleep(time.Minute)
		w.put("incoming/"+pool+"/users.csv", users("grace", "alan"))
		time.Sleep(20 * time.Minute)
		var read []int64
		for _, r := range w.results() {
			read = append(read, r.Rows.Counts().Imported)
		}
		if diff := cmp.Diff([]int64{1, 2}, read); diff != "" {
			t.Errorf("rows of the results (-want +got):\n%s", diff)
		}
		if waiting, _ := w.keys(); len(waiting) > 0 {
			t.Errorf("waiting: %q", waiting)
		}
	})
}

// TestTooLarge reads a file at a pace at which one run can't get through it.
func TestTooLarge(t *testing.T) {
	slow := func(o *localaws.Options) {
		o.Calls = func(call localaws.Call, next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				reads := call.Principal != nil && strings.Contains(call.Principal.ARN(), "PrepareImportFunctionRole") &&
					call.Service == "s3" && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/users.csv")
				if reads {
					select {
					case <-time.After(time.Hour):
					case <-r.Context().Done():
						panic(http.ErrAbortHandler)
					}
				}
				next.ServeHTTP(w, r)
			})
		}
	}
	inWorld(t, stack{options: slow}, func(t *testing.T, w world) {
		begin := time.Now()
		r := w.drop("incoming/"+pool+"/users.csv", users("ada"))
		if r.Verdict != contract.VerdictRejected || !cmp.Equal(codes(r.Problems), []string{"TooLarge"}) {
			t.Errorf("result: %s", encoded(t, r))
		}
		if took := time.Since(begin); took > 20*time.Minute {
			t.Errorf("it took %s to say so", took)
		}
		if waiting, moved := w.keys(); len(waiting) > 0 || len(moved) != 1 {
			t.Errorf("waiting %q, moved %q", waiting, moved)
		}
	})
}

// TestGoneMidway deletes one file of a sweep between its two readings; the others are imported.
func TestGoneMidway(t *testing.T) {
	var w world
	reads := 0
	hook := func(o *localaws.Options) {
		o.Calls = func(call localaws.Call, next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if call.Service == "s3" && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/b.csv") &&
					call.Principal != nil && strings.Contains(call.Principal.ARN(), "PrepareImportFunctionRole") {
					if reads++; reads == 2 {
						key, version, bucket := "scheduled/"+pool+"/b.csv", r.URL.Query().Get("versionId"), w.Inbox()
						_, err := s3.NewFromConfig(w.Config("")).DeleteObject(context.Background(), &s3.DeleteObjectInput{
							Bucket: &bucket, Key: &key, VersionId: &version,
						})
						if err != nil {
							w.t.Error(err)
						}
					}
				}
				next.ServeHTTP(rw, r)
			})
		}
	}
	inWorld(t, stack{options: hook}, func(t *testing.T, running world) {
		w = running
		for _, name := range []string{"a", "b", "c"} {
			w.put("scheduled/"+pool+"/"+name+".csv", users(name))
		}
		r := w.sweep()
		want := contract.Rows{Read: 2, Submitted: 2, RowOutcomes: &contract.RowOutcomes{Imported: 2}}
		if diff := cmp.Diff(want, r.Rows); diff != "" || !cmp.Equal(codes(r.Sources[1].Problems), []string{"SourceGone"}) {
			t.Errorf("sources: %s; rows (-want +got):\n%s", encoded(t, r.Sources), diff)
		}
	})
}

// TestManifestSettings gives one file settings of its own, and tries manifests that ask for more than they may.
func TestManifestSettings(t *testing.T) {
	const file = "username,email,email_verified,office,birthdate,name\n" +
		"u,u@example.com,true,x,25/12/1990,NULL\nv,v@example.com,true,y,03/04/1985,V\nw,bad,true,y,03/04/1985,W\n"
	for _, c := range []struct{ name, manifest, want string }{
		{"none", `{"rows": 3}`, "REJECTED UnknownColumn"},
		{"columns", `{"settings": {"ignoreColumns": ["office"]}}`, "REJECTED AmbiguousDates"},
		{
			"columns and dates", `{"settings": {"ignoreColumns": ["*"], "dateOrder": "day-first", "nullText": ["NULL", ""]}}`,
			"PARTIAL BadEmail ColumnIgnored",
		},
		{
			"an id", `{"rows": 3, "settings": {"idColumn": "Office", "dateOrder": "month-first"}}`,
			"PARTIAL BadEmail BadBirthdate NullText",
		},
		{"who is verified", `{"settings": {"assumeVerified": "email"}}`, "REJECTED ManifestMismatch"},
		{"a wrong order", `{"settings": {"dateOrder": "year-first"}}`, "REJECTED ManifestMismatch"},
		{"a member twice", `{"settings": {"dateOrder": "day-first", "dateOrder": "auto"}}`, "REJECTED ManifestMismatch"},
		{"another case", `{"settings": {"DateOrder": "day-first"}}`, "REJECTED ManifestMismatch"},
		{"no object", `{"settings": "day-first"}`, "REJECTED ManifestMismatch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, stack{parameters: map[string]string{"DateOrder": "auto"}}, func(t *testing.T, w world) {
				w.put("incoming/"+pool+"/users.csv.manifest.json", c.manifest)
				r := w.drop("incoming/"+pool+"/users.csv", file)
				got := string(r.Verdict)
				for _, code := range codes(r.Problems) {
					got += " " + code
				}
				for _, n := range r.Notes {
					got += " " + n.Code.String()
				}
				if got != c.want {
					t.Errorf("%s, want %s: %s", got, c.want, encoded(t, r.Problems))
				}
				// publish-result reads the file again by the same settings.
				if r.Verdict == contract.VerdictPartial && len(w.failed(r.Files.Failed)) == 0 {
					t.Error("failed.csv has no row")
				}
			})
		})
	}
}
