// Package sample makes results of every kind, for golden files and for looking at the report.
package sample

import (
	"fmt"
	"strings"
	"time"

	"userdrop/internal/contract"
	"userdrop/internal/report"
)

// Sample is a named result.
type Sample struct {
	Name   string
	Result *contract.Result
}

const (
	pool    = "us-east-1_Example"
	inbox   = "userdrop-inbox"
	results = "s3://userdrop-results/"
)

var start = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// All returns a fresh copy of every sample.
func All() []Sample {
	return []Sample{
		{"succeeded", succeeded()},
		{"partial", partial()},
		{"rejected", rejected()},
		{"rejected-rows", rejectedRows()},
		{"failed", failed()},
		{"checked", checked()},
		{"error", errored()},
		{"stopped", stopped()},
		{"expired", expired()},
		{"scheduled", scheduled()},
		{"mapped", mapped()},
		{"hostile", hostile()},
	}
}

// one returns an import of one file that took a time; it has the files of a result.
func one(name, file string, bytes int64, took time.Duration, rows contract.Rows) *contract.Result {
	id := name + "-3f9a1c77"
	return &contract.Result{
		ImportID: id, UserPoolID: pool,
		ExecutionARN: "arn:aws:states:us-east-1:111122223333:execution:userdrop-import-users:" + id,
		Sources: []contract.Source{{
			Bucket: inbox, Key: "incoming/" + pool + "/" + file, VersionID: "L4kqtJlcpXroDTDmpUMLUo",
			Bytes: bytes, Rows: rows,
		}},
		Rows:      rows,
		Files:     contract.Files{Result: results + id + "/result.json", Report: results + id + "/report.html"},
		StartedAt: start, FinishedAt: start.Add(took),
		JobsUsed: &contract.JobsUsed{Used: 41, Limit: contract.JobsPerPool},
	}
}

func finish(r *contract.Result, end report.Ending) *contract.Result {
	o := r.Rows.Counts()
	if r.Rows.Rejected+o.Failed+o.Unprocessed > 0 && len(r.Sources) == 1 {
		r.Files.Failed = results + r.ImportID + "/failed.csv"
	}
	if err := report.Finish(r, end); err != nil {
		panic(err) // a sample is wrong
	}
	return r
}

// job returns a job of a part that waited, then ran.
func job(id string, part, attempt int, status, message string, queued time.Time, wait, run time.Duration,
	rows contract.JobRows,
) contract.ResultJob {
	created := queued.Add(wait)
	return contract.ResultJob{
		JobName: fmt.Sprintf("%s-p%d-a%d", id, part, attempt), JobID: fmt.Sprintf("import-Sample%03d%d", part, attempt),
		Part: part, Attempt: attempt, Status: status, CompletionMessage: message, Rows: rows,
		QueuedAt: queued, CreatedAt: created, StartedAt: created.Add(4 * time.Second),
		CompletedAt: created.Add(4*time.Second + run),
	}
}

// problem says of a code what the CSV rules say.
func problem(code contract.Code, count int, lines ...int) contract.Problem {
	return contract.Problem{Code: code, Count: count, Lines: lines, Message: code.Message()}
}

func note(code contract.NoteCode, count int, lines ...int) contract.Note {
	return contract.Note{Code: code, Count: count, Lines: lines, Message: code.Message()}
}

const succeededMessage = "Import Job Completed Successfully."

func succeeded() *contract.Result {
	r := one("users", "users.csv", 1_180, 31*time.Second, contract.Rows{
		Read: 12, Submitted: 12, RowOutcomes: &contract.RowOutcomes{Imported: 9, Skipped: 3},
	})
	r.Jobs = []contract.ResultJob{job(r.ImportID, 1, 1, "Succeeded", succeededMessage, start.Add(4*time.Second), 9*time.Second,
		2*time.Second, contract.JobRows{Submitted: 12, Imported: 9, Skipped: 3})}
	r.Waits = &contract.Waits{QueueSeconds: 9}
	return finish(r, report.Ended)
}

func partial() *contract.Result {
	r := one("staff", "staff-2026.csv", 1_204_311, 14*time.Minute, contract.Rows{
		Read: 10_000, Rejected: 300, Submitted: 9_700,
		RowOutcomes: &contract.RowOutcomes{Imported: 8_992, Skipped: 500, Failed: 200, Unprocessed: 8},
	})
	first := job(r.ImportID, 1, 1, "Failed", "Too many users have failed or been skipped during the import.",
		start.Add(5*time.Second), 6*time.Minute, 130*time.Second,
		contract.JobRows{Submitted: 9_700, Imported: 4_100, Skipped: 400, Failed: 150})
	second := job(r.ImportID, 1, 2, "Succeeded", succeededMessage, start.Add(9*time.Minute), 15*time.Second,
		3*time.Minute, contract.JobRows{Submitted: 5_050, Imported: 4_892, Skipped: 100, Failed: 50})
	r.Jobs = []contract.ResultJob{first, second}
	r.Waits = &contract.Waits{QueueSeconds: 375}
	r.JobsUsed.Used = 917
	r.Problems = []contract.Problem{
		problem(contract.CognitoFailed, 200, 88, 132, 190, 214, 302, 345, 346, 401, 555, 612),
		problem(contract.BadPhone, 131, 4, 9, 17, 31, 42, 57, 58, 60, 71, 93),
		problem(contract.NotVerified, 64, 12, 13, 44, 45, 46, 47, 48, 49, 50, 51),
		problem(contract.DuplicateUsername, 52, 77, 78, 101, 102, 103, 104, 230, 231, 232, 233),
		problem(contract.BadBirthdate, 21, 8, 80, 800),
		problem(contract.MissingRequired, 18, 25, 26, 27),
		problem(contract.TooLong, 9, 311),
		problem(contract.BadQuoting, 3, 1201, 4410, 9004),
		problem(contract.Unrepresentable, 2, 2201, 2207),
		problem(contract.NotProcessed, 8, 9993, 9994, 9995, 9996, 9997, 9998, 9999, 10000),
	}
	r.Notes = []contract.Note{
		{
			Code: contract.ColumnIgnored, Count: 2, Lines: []int{}, Columns: []string{"desk", "badge"},
			Message: contract.ColumnIgnored.Message(),
		},
		note(contract.ApostropheDropped, 41, 4, 5, 6, 7, 19, 20, 21, 33, 34, 90),
		note(contract.NullText, 3, 18, 52, 871),
	}
	return finish(r, report.Ended)
}

func rejected() *contract.Result {
	r := one("export", "export.csv", 88_122, 4*time.Second, contract.Rows{})
	r.Rows.RowOutcomes, r.Sources[0].Rows.RowOutcomes = &contract.RowOutcomes{}, &contract.RowOutcomes{}
	r.Problems = []contract.Problem{
		{
			Code: contract.UnknownColumn, Count: 2, Columns: []string{"telefon", "dept"},
			Message: "Two columns are not attributes of the user pool. The nearest names are phone_number and " +
				"custom:department. Rename or remove them.",
		},
		{
			Code: contract.MissingColumn, Count: 1, Columns: []string{"cognito:username"},
			Message: "The user pool needs a column that the file lacks: add cognito:username.",
		},
	}
	return finish(r, report.Ended)
}

func rejectedRows() *contract.Result {
	r := one("contacts", "contacts.csv", 2_031, 5*time.Second, contract.Rows{
		Read: 25, Rejected: 25, RowOutcomes: &contract.RowOutcomes{},
	})
	r.Problems = []contract.Problem{problem(contract.NotVerified, 25, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)}
	return finish(r, report.Ended)
}

func failed() *contract.Result {
	const parts, size = 80, 500_000
	r := one("everyone", "everyone.csv", 7_904_211_903, 17*24*time.Hour, contract.Rows{
		Read: parts*size + 1_204, Rejected: 1_204, Submitted: parts * size,
		RowOutcomes: &contract.RowOutcomes{Unprocessed: parts * size},
	})
	queued := start.Add(15 * time.Minute)
	for part := range parts {
		j := job(r.ImportID, part+1, 1, "Failed", "The log role cannot be assumed.", queued,
			time.Duration(1+part%7)*time.Hour, time.Duration(20+part%3*90)*time.Minute, contract.JobRows{Submitted: size})
		r.Jobs = append(r.Jobs, j)
		queued = j.CompletedAt.Add(20 * time.Second)
	}
	r.FinishedAt = queued.Add(time.Minute)
	r.Waits = &contract.Waits{QueueSeconds: 1_137_600}
	r.Error = &contract.Cause{Name: "JobFailed", Message: "The log role cannot be assumed."}
	r.Problems = []contract.Problem{
		problem(contract.BadEmail, 1_204, 10_022, 10_023, 550_120, 1_222_090, 8_111_222, 8_111_223, 9_000_001, 9_000_002,
			12_345_678, 39_999_999),
		problem(contract.NotProcessed, parts*size, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
	}
	return finish(r, report.Ended)
}

func checked() *contract.Result {
	rows := contract.Rows{Read: 1_500, Rejected: 4, Submitted: 1_496}
	r := one("trial", "trial.csv", 140_200, 12*time.Second, rows)
	r.Mode = contract.ModeCheck
	r.Sources[0].Key = "check/" + pool + "/trial.csv"
	r.Predicted = &contract.Predicted{Imported: 1_196, Skipped: 240, Unchecked: 60}
	r.Problems = []contract.Problem{
		problem(contract.BadBoolean, 3, 18, 19, 401),
		problem(contract.MissingUsername, 1, 77),
	}
	return finish(r, report.Ended)
}

func errored() *contract.Result {
	r := one("users", "users.csv", 52_000, 61*time.Minute, contract.Rows{
		Read: 480, Submitted: 480, RowOutcomes: &contract.RowOutcomes{Imported: 12, Unprocessed: 468},
	})
	r.Jobs = []contract.ResultJob{job(r.ImportID, 1, 1, "Stopped", "The Import Job was stopped by the developer.",
		start.Add(3*time.Second), 20*time.Minute, time.Second, contract.JobRows{Submitted: 480, Imported: 12})}
	r.Error = &contract.Cause{Name: "States.Timeout", Message: "The execution of import-job ended after its time was over."}
	r.Problems = []contract.Problem{problem(contract.NotProcessed, 468, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)}
	return finish(r, report.Broke)
}

func stopped() *contract.Result {
	r := one("users", "users.csv", 52_000, 2*time.Minute, contract.Rows{
		Read: 480, Submitted: 480, RowOutcomes: &contract.RowOutcomes{Unprocessed: 480},
	})
	r.Problems = []contract.Problem{problem(contract.NotProcessed, 480, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)}
	return finish(r, report.Aborted)
}

func expired() *contract.Result {
	r := one("users", "users.csv", 52_000, 25*time.Hour, contract.Rows{
		Read: 480, Submitted: 480, RowOutcomes: &contract.RowOutcomes{Unprocessed: 480},
	})
	j := job(r.ImportID, 1, 1, "Expired", "The user import job has expired.", start, time.Second, 0,
		contract.JobRows{Submitted: 480})
	j.StartedAt, j.CompletedAt = time.Time{}, j.CreatedAt.Add(24*time.Hour+29*time.Minute)
	r.Jobs = []contract.ResultJob{j}
	return finish(r, report.Ended)
}

// scheduled is a nightly import of 200 files in one job.
func scheduled() *contract.Result {
	r := one("scheduled", "x", 0, 8*time.Minute, contract.Rows{})
	r.Sources, r.Problems = nil, nil
	var phones, fields int
	for i := range 200 {
		n := int64(20 + i*7%31)
		s := contract.Source{
			Bucket: inbox, Key: fmt.Sprintf("scheduled/%s/site-%03d/joiners-2026-11-21.csv", pool, i+1),
			VersionID: fmt.Sprintf("v%03d", i+1), Bytes: 90 * n,
			Rows: contract.Rows{
				Read: n, Submitted: n, RowOutcomes: &contract.RowOutcomes{Imported: n - int64(i%4), Skipped: int64(i % 4)},
			},
		}
		switch {
		case i == 118:
			s.Rows = contract.Rows{RowOutcomes: &contract.RowOutcomes{}}
			s.Problems = []contract.Problem{problem(contract.NotCSV, 1)}
		case i%13 == 5:
			s.Rows.Rejected, s.Rows.Submitted, s.Rows.Imported = 3, n-3, s.Rows.Imported-3
			s.Problems = []contract.Problem{
				problem(contract.FieldCount, 1, 9),
				problem(contract.BadPhone, 2, 3, 4),
			}
			s.Files = &contract.Files{Failed: fmt.Sprintf("%sscheduled-3f9a1c77/failed-%03d.csv", results, i+1)}
			phones, fields = phones+2, fields+1
		}
		r.Rows = r.Rows.Add(s.Rows)
		r.Sources = append(r.Sources, s)
	}
	r.Problems = []contract.Problem{
		problem(contract.NotCSV, 1),
		problem(contract.FieldCount, fields, 9),
		problem(contract.BadPhone, phones, 3, 4),
	}
	o := r.Rows.Counts()
	r.Jobs = []contract.ResultJob{job(r.ImportID, 1, 1, "Succeeded", succeededMessage, start.Add(20*time.Second), 2*time.Minute,
		4*time.Minute, contract.JobRows{Submitted: r.Rows.Submitted, Imported: o.Imported, Skipped: o.Skipped})}
	r.Waits = &contract.Waits{QueueSeconds: 120}
	return finish(r, report.Ended)
}

// hostile has a key that tries everything a key can: markup, control characters, a terminal's escapes, a change of
// writing direction, bytes that are not UTF-8, and length.
// mapped is an export of another product with its mapping, whose users were changed after the import.
func mapped() *contract.Result {
	r := one("directory", "directory.csv", 88_122, 19*time.Minute, contract.Rows{
		Read: 1_200, Excluded: 144, Rejected: 6, Submitted: 1_050,
		RowOutcomes: &contract.RowOutcomes{Imported: 900, Skipped: 150},
	})
	r.Jobs = []contract.ResultJob{job(r.ImportID, 1, 1, "Succeeded", succeededMessage, start, 5*time.Second,
		40*time.Second, contract.JobRows{Submitted: 1_050, Imported: 900, Skipped: 150})}
	r.Problems = []contract.Problem{
		problem(contract.BadPhone, 4, 17, 18, 19, 44), problem(contract.BadBirthdate, 3, 44, 45, 46),
		problem(contract.ChangeFailed, 2, 301, 302),
	}
	r.Notes = []contract.Note{
		{
			Code: contract.ColumnIgnored, Count: 3, Lines: []int{}, Message: contract.ColumnIgnored.Message(),
			Columns: []string{"secret-column-name", "b", "c"},
		},
		{Code: contract.ZonelessTime, Count: 31, Lines: []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, Message: contract.ZonelessTime.Message()},
	}
	r.Excluded = []contract.ExcludedRows{
		{Because: "deactivated", Count: 120}, {Because: "federated", Count: 21}, {Because: "service-account", Count: 3},
	}
	r.Changes = &contract.Changes{
		Groups: contract.ChangeCounts{Wanted: 1_050, Applied: 1_000, Unchanged: 48, Failed: 2},
		State:  contract.ChangeCounts{Wanted: 12, Applied: 12},
	}
	base := results + r.ImportID
	r.Files.Failed, r.Files.Excluded, r.Files.Users = base+"/failed.csv", base+"/excluded.csv", base+"/users.csv"
	return finish(r, report.Ended)
}

func hostile() *contract.Result {
	r := one("users", "x", 300, time.Minute, contract.Rows{
		Read: 3, Rejected: 1, Submitted: 2, RowOutcomes: &contract.RowOutcomes{Imported: 2},
	})
	r.Sources[0].Key = "incoming/" + pool + "/<script>alert(1)</script>\"'><img src=x onerror=alert(1)>" +
		"\n\r\t\x1b[2J\x1b]0;x\a\u202egpj.exe\u2028\u200b\xff{{.}}" + strings.Repeat("very-long-", 60) + "users.csv"
	r.Sources[0].VersionID = "</code><script>alert(2)</script>"
	r.Error = &contract.Cause{Name: "<b>Name</b>", Message: "\x1b[31mred</style><script>alert(3)</script>"}
	r.Problems = []contract.Problem{{
		Code: contract.BadEmail, Count: 1, Lines: []int{3}, Message: "<img src=x onerror=alert(4)>\nWrite one address.",
		Columns: []string{"secret-column-name"},
	}}
	return finish(r, report.Ended)
}
