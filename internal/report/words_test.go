package report

import (
	"strings"
	"testing"
	"time"

	"userdrop/internal/contract"

	"github.com/google/go-cmp/cmp"
)

func TestClean(t *testing.T) {
	tests := []struct {
		name, in string
		limit    int
		want     string
	}{
		{"plain", "incoming/users.csv", 40, "incoming/users.csv"},
		{"other scripts", "naïve/ユーザー.csv", 40, "naïve/ユーザー.csv"},
		{"quotes and backslashes stay", `a'b"c\d`, 40, `a'b"c\d`},
		{"line breaks", "a\r\nb\u2028c\u0085d", 40, `a\r\nb\u2028c\u0085d`},
		{"a terminal's command", "\x1b[2J\a", 40, `\x1b[2J\a`},
		{"writing direction", "\u202egpj.exe", 40, `\u202egpj.exe`},
		{"invisible", "a\u200b\ufeffb", 40, `a\u200b\ufeffb`},
		{"no-break space", "a\u00a0b", 40, `a\u00a0b`},
		{"not UTF-8", "a\xff\xfeb", 40, `a\xff\xfeb`},
		{"cut in the middle", "0123456789", 7, "012…789"},
		{"just fits", "0123456789", 10, "0123456789"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, clean(tt.in, tt.limit)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	got := []string{
		group(0), group(999), group(1000), group(40_000_000), group(-1234),
		count(1, "row"), count(2, "row"), count(0, "row"),
		span(400 * time.Millisecond), span(59 * time.Second), span(61 * time.Second), span(2 * time.Minute),
		span(4*time.Hour + 7*time.Minute + 9*time.Second), span(2 * time.Hour), span(50 * time.Hour), span(48 * time.Hour),
		percent(1, 1), percent(1, 3), percent(1, 10_000_000), percent(9_999_999, 10_000_000),
		percent(5, 100), percent(995, 1000),
	}
	want := []string{
		"0", "999", "1,000", "40,000,000", "-1,234",
		"1 row", "2 rows", "0 rows",
		"under 1 s", "59 s", "1 min 1 s", "2 min",
		"4 h 7 min", "2 h", "2 d 2 h", "2 d",
		"100%", "33%", "<0.1%", ">99.9%", "5.0%", "99.5%",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDivide(t *testing.T) {
	tests := []struct {
		name    string
		n       []int64
		width   int
		minimum int
		want    []int
	}{
		{"nothing", []int64{0, 0}, 100, 1, []int{0, 0}},
		{"halves", []int64{5, 5}, 100, 1, []int{50, 50}},
		{"one in a million is seen", []int64{999_999, 0, 1}, 1000, 10, []int{990, 0, 10}},
		{"thirds fill the bar", []int64{1, 1, 1}, 100, 1, []int{34, 33, 33}},
		{"the widest pays", []int64{1, 40_000_000, 1, 1, 1}, 76, 1, []int{1, 72, 1, 1, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var parts []slice
			for _, n := range tt.n {
				parts = append(parts, slice{n: n})
			}
			if diff := cmp.Diff(tt.want, divide(parts, tt.width, tt.minimum)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWrap(t *testing.T) {
	got := wrap("one  two\nthree s3://a-long-word four", 9)
	want := []string{"one two", "three", "s3://a-long-word", "four"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConsoleURL(t *testing.T) {
	tests := []struct{ name, uri, region, want string }{
		{
			"object", "s3://results/users-1/failed.csv", "eu-west-1",
			"https://eu-west-1.console.aws.amazon.com/s3/object/results?prefix=users-1%2Ffailed.csv&region=eu-west-1",
		},
		{
			"hostile key", "s3://results/a b&c=\"><script>/x?#", "us-east-1",
			"https://us-east-1.console.aws.amazon.com/s3/object/results" +
				"?prefix=a+b%26c%3D%22%3E%3Cscript%3E%2Fx%3F%23&region=us-east-1",
		},
		{
			"GovCloud", "s3://results/k", "us-gov-west-1",
			"https://us-gov-west-1.console.amazonaws-us-gov.com/s3/object/results?prefix=k&region=us-gov-west-1",
		},
		{
			"China", "s3://results/k", "cn-north-1",
			"https://cn-north-1.console.amazonaws.cn/s3/object/results?prefix=k&region=cn-north-1",
		},
		{"a file", "out/failed.csv", "us-east-1", ""},
		{"a bucket", "s3://results", "us-east-1", ""},
		{"no region", "s3://results/k", "evil.example/", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, consoleURL(tt.uri, tt.region)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryCodeHasATitle(t *testing.T) {
	for _, code := range contract.AllCodes() {
		if code.Title() == "" {
			t.Errorf("%s has none", code)
		}
		for name, schema := range map[string][]byte{"result": ResultJSONSchema, "event": EventJSONSchema} {
			if !strings.Contains(string(schema), `"`+code.String()+`"`) {
				t.Errorf("%s is not in %s.schema.json", code, name)
			}
		}
	}
}

func TestPasswords(t *testing.T) {
	job := func(algorithm string, imported int64) contract.ResultJob {
		return contract.ResultJob{PasswordHashingAlgorithm: algorithm, Rows: contract.JobRows{Imported: imported}}
	}
	tests := []struct {
		name     string
		jobs     []contract.ResultJob
		imported int64
		want     []string
		not      string
	}{
		{"nobody imported", nil, 0, nil, "Cognito sent"},
		{"without hashes", []contract.ResultJob{job("", 2)}, 2, []string{"no message", "must reset their password"}, "USER_PASSWORD_AUTH"},
		{"with hashes", []contract.ResultJob{job("BCRYPT", 2)}, 2, []string{"no message", "USER_PASSWORD_AUTH"}, "reset"},
		{"both", []contract.ResultJob{job("BCRYPT", 2), job("", 1)}, 3, []string{"USER_PASSWORD_AUTH", "the others must reset"}, ""},
		{
			"a job with hashes that imported nobody",
			[]contract.ResultJob{job("BCRYPT", 0), job("", 1)},
			1,
			[]string{"must reset"},
			"USER_PASSWORD_AUTH",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := passwords(&contract.Result{Jobs: tt.jobs, Rows: contract.Rows{RowOutcomes: &contract.RowOutcomes{Imported: tt.imported}}})
			for _, part := range tt.want {
				if !strings.Contains(got, part) {
					t.Errorf("%q lacks %q", got, part)
				}
			}
			if tt.not != "" && strings.Contains(got, tt.not) {
				t.Errorf("%q has %q", got, tt.not)
			}
		})
	}
}
