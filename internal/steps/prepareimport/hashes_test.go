package prepareimport_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/localaws"
)

// mark stands in every hash below: it must not be seen anywhere but in failed.csv.
const mark = "SeCrEtMaRk"

// bcrypt's salt and hash have 53 characters; the others' any number.
var (
	bcrypt = strings.Repeat("x", 53-len(mark)) + mark
	digits = "5ec4e75ec4e75ec4e7" // scrypt's are hexadecimal, and have a mark of their own
)

// hashes are a file's rows by what becomes of them: an algorithm's job, none, or a code.
var hashes = []struct{ name, hash, want string }{
	{"b1", "$2b$12$" + bcrypt, "BCRYPT"},
	{"b2", "$2a$04$" + bcrypt, "BCRYPT"},
	{"b3", "$2x$10$" + bcrypt, "BCRYPT"},
	{"b4", "$2y$10$" + bcrypt, "BCRYPT"},
	{"b5", "$2b$13$" + bcrypt, "HashOutOfBounds"},
	{"b6", "$2c$10$" + bcrypt, "BadHash"},
	{"b7", "$2b$10$" + bcrypt[1:], "BadHash"},
	{"s1", "65536$8$1$" + digits + "$" + digits, "SCRYPT"},
	{"s2", "131072$8$1$" + digits + "$" + digits, "HashOutOfBounds"},
	{"s3", "16384$9$1$" + digits + "$" + digits, "HashOutOfBounds"},
	{"s4", "16384$8$2$" + digits + "$" + digits, "HashOutOfBounds"},
	{"s5", "16384$8$1$" + digits + "$" + mark + "no hex", "BadHash"},
	{"a1", "$argon2id$v=19$m=19456,t=2,p=1$" + mark + "$" + mark, "ARGON2ID"},
	{"a2", "$argon2id$v=19$m=19457,t=2,p=1$" + mark + "$" + mark, "HashOutOfBounds"},
	{"a3", "$argon2id$v=19$m=19456,t=3,p=1$" + mark + "$" + mark, "HashOutOfBounds"},
	{"a4", "$argon2id$v=19$m=19456,t=2,p=4$" + mark + "$" + mark, "HashOutOfBounds"},
	{"a5", "$argon2i$v=19$m=19456,t=2,p=1$" + mark + "$" + mark, "BadHash"},
	{"p1", "$pbkdf2-sha256$600000$" + mark + "$" + mark, "PBKDF2_SHA256"},
	{"p2", "$pbkdf2-sha256$600001$" + mark + "$" + mark, "HashOutOfBounds"},
	{"p3", "$pbkdf2-sha512$1000$" + mark + "$" + mark, "BadHash"},
	{"n1", "", "none"},
	{"n2", " ", "none"},
	{"x1", "plain-text-" + mark, "BadHash"},
	{"x2", "99999999999999999999$8$1$" + digits + "$" + digits, "HashOutOfBounds"},
	{"s6", "1024$8$1$" + digits + "$" + digits, "SCRYPT"}, // again, after the others
}

func hashFile() string {
	var b strings.Builder
	b.WriteString("username,email,email_verified,password_hash\n")
	for _, h := range hashes {
		fmt.Fprintf(&b, "%s,%s@example.com,true,\"%s\"\n", h.name, h.name, h.hash)
	}
	return b.String()
}

// wanted are the names by what becomes of them.
func wanted() map[string][]string {
	names := map[string][]string{}
	for _, h := range hashes {
		names[h.want] = append(names[h.want], h.name)
	}
	return names
}

// TestHashes imports all four algorithms out of one file, each by a job of its own.
func TestHashes(t *testing.T) {
	inWorld(t, stack{}, func(t *testing.T, w world) {
		r := w.drop("incoming/"+pool+"/users.csv", hashFile())
		want := wanted()

		var jobs, accepted []string
		for _, j := range r.Jobs {
			algorithm := j.PasswordHashingAlgorithm
			if algorithm == "" {
				algorithm = "none"
			}
			jobs = append(jobs, fmt.Sprintf("%s %d of %d", algorithm, j.Rows.Imported, len(want[algorithm])))
			if int(j.Rows.Imported) != len(want[algorithm]) {
				t.Errorf("job of %s: %s", algorithm, encoded(t, j))
			}
			accepted = append(accepted, want[algorithm]...)
		}
		// In the order of their first rows.
		order := []string{"BCRYPT 4 of 4", "SCRYPT 2 of 2", "ARGON2ID 1 of 1", "PBKDF2_SHA256 1 of 1", "none 2 of 2"}
		if diff := cmp.Diff(order, jobs); diff != "" {
			t.Errorf("jobs (-want +got):\n%s", diff)
		}
		problems := map[string]int{}
		for _, p := range r.Problems {
			problems[p.Code.String()] = p.Count
		}
		rejected := map[string]int{"BadHash": len(want["BadHash"]), "HashOutOfBounds": len(want["HashOutOfBounds"])}
		if diff := cmp.Diff(rejected, problems); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
		var names []string
		for _, u := range w.Cognito.Users(pool) {
			names = append(names, u.Name)
			if status := map[bool]string{true: "RESET_REQUIRED", false: "CONFIRMED"}[u.Name[0] == 'n']; u.Status != status {
				t.Errorf("%s is %s, want %s", u.Name, u.Status, status)
			}
		}
		slices.Sort(names)
		slices.Sort(accepted)
		if diff := cmp.Diff(accepted, names); diff != "" {
			t.Errorf("users (-want +got):\n%s", diff)
		}
		if rows := w.failed(r.Files.Failed); len(rows) != len(want["BadHash"])+len(want["HashOutOfBounds"]) {
			t.Errorf("failed.csv: %q", rows)
		}
		w.noSecrets(r)
	})
}

// noSecrets looks for hashes where none may be.
func (w world) noSecrets(r *contract.Result) {
	w.t.Helper()
	texts := map[string]string{
		"what the functions log": logged.String(), "result.json": encoded(w.t, r),
		"the events": encoded(w.t, w.Events.Events()), "the messages": encoded(w.t, w.SNS.Messages()),
	}
	report, err := w.S3.Get(w.Results(), r.ImportID+"/report.html")
	if err != nil {
		w.t.Fatal(err)
	}
	texts["the report"] = string(report)
	for _, m := range w.Stack.StateMachines {
		for _, e := range w.StepFunctions.Executions(m.ARN) {
			history, err := w.StepFunctions.History(w.t.Context(), e.ARN)
			if err != nil {
				w.t.Fatal(err)
			}
			texts["the history of "+e.Name] = encoded(w.t, history)
		}
	}
	for _, group := range w.Logs.Groups() {
		for _, stream := range w.Logs.Streams(group) {
			texts["the log "+group+" "+stream] = strings.Join(w.Logs.Messages(group, stream), "\n")
		}
	}
	keys, err := w.S3.Keys(w.Work(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, key := range keys {
		text, err := w.S3.Get(w.Work(), key)
		if err != nil {
			w.t.Fatal(err)
		}
		texts["the work bucket's "+key] = string(text)
	}
	for where, text := range texts {
		if strings.Contains(text, mark) || strings.Contains(text, digits) {
			w.t.Errorf("%s show a password hash", where)
		}
	}
}

// TestHashesNotOffered drops hashes for a pool that takes none.
func TestHashesNotOffered(t *testing.T) {
	t.Run("Cognito refuses the job", func(t *testing.T) {
		refuse := stack{options: func(o *localaws.Options) { o.Cognito.HashesSupported = false }}
		inWorld(t, refuse, func(t *testing.T, w world) {
			r := w.drop("incoming/"+pool+"/users.csv", hashFile())
			want := contract.Rows{Read: 25, Rejected: 15, Submitted: 10, RowOutcomes: &contract.RowOutcomes{Imported: 2, Unprocessed: 8}}
			if diff := cmp.Diff(want, r.Rows); diff != "" || r.Verdict != contract.VerdictPartial {
				t.Errorf("verdict %s, rows (-want +got):\n%s", r.Verdict, diff)
			}
			if r.Error == nil || !strings.Contains(r.Error.Message, "BCRYPT password hashes") ||
				!strings.Contains(r.Error.Message, "PasswordHashingAlgorithm is not supported for this user pool.") {
				t.Errorf("error: %s", encoded(t, r.Error))
			}
			if rows := w.failed(r.Files.Failed); len(rows) != 15+8 {
				t.Errorf("%d rows in failed.csv", len(rows))
			}
			w.noSecrets(r)
		})
	})
	t.Run("the header has no such column", func(t *testing.T) {
		without := stack{options: func(o *localaws.Options) { o.Cognito.HashColumn = false }}
		inWorld(t, without, func(t *testing.T, w world) {
			r := w.drop("incoming/"+pool+"/users.csv", hashFile())
			if r.Verdict != contract.VerdictRejected || !cmp.Equal(codes(r.Problems), []string{"UnknownColumn"}) {
				t.Fatalf("result: %s", encoded(t, r))
			}
			if !strings.Contains(r.Problems[0].Message, "password_hash") {
				t.Errorf("message: %s", r.Problems[0].Message)
			}
			w.noSecrets(r)
		})
	})
}
