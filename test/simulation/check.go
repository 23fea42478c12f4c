package simulation

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"userdrop/internal/contract"
	"userdrop/localaws/cognito"
	"userdrop/localaws/stepfunctions"
)

// unknowns are the answers of a scenario's Cognito, for the table of how often each was met.
func unknowns(s cognito.Settings) map[string]int {
	return map[string]int{
		"busyError " + s.BusyError: 1, "lockScope " + s.LockScope: 1, "describeUrl " + s.DescribeURL: 1,
		fmt.Sprint("reuploadAllowed ", s.ReuploadAllowed): 1, fmt.Sprint("stopCreated ", s.StopCreated): 1,
		fmt.Sprint("stopping late ", s.Stopping > 0): 1, fmt.Sprint("jobsListedLate ", s.JobsListedLate > 0): 1,
		fmt.Sprint("failFraction ", s.FailFraction): 1, fmt.Sprint("failMinimum ", s.FailMinimum): 1,
		fmt.Sprint("failEarly ", s.FailEarly):                           1,
		fmt.Sprint("skippedCountAsFailures ", s.SkippedCountAsFailures): 1,
		fmt.Sprint("lineBase ", s.LineBase):                             1, fmt.Sprint("logDelay ", s.LogDelay > 0): 1,
		fmt.Sprint("logMissing ", s.LogMissing > 0): 1, fmt.Sprint("logDoubled ", s.LogDoubled > 0): 1,
		fmt.Sprint("noLogGroup ", s.NoLogGroup):                     1,
		fmt.Sprint("fewerColumnsAccepted ", s.FewerColumnsAccepted): 1,
		fmt.Sprint("hashColumnOptional ", s.HashColumnOptional):     1, "backslash " + s.Backslash: 1,
		"quotes " + s.Quotes: 1, "duplicateInFile " + s.DuplicateInFile: 1, "aliasClash " + s.AliasClash: 1,
		fmt.Sprint("hashesSupported ", s.HashesSupported): 1, fmt.Sprint("hashColumn ", s.HashColumn): 1,
	}
}

// check proves the invariants of a settled scenario.
func (r *run) check() {
	r.collect()
	for _, line := range r.chaos.breaches {
		r.violation("%s", line)
	}
	if r.Settings.LockScope == "account" && r.Cognito.MaxActive() > 1 {
		r.violation("%d jobs were active at once", r.Cognito.MaxActive())
	}
	for _, key := range slices.Sorted(maps.Keys(r.chaos.commits)) {
		if n := r.chaos.commits[key]; n != 1 {
			r.violation("%s was published %d times", key, n)
		}
	}
	r.checkDrops()
	r.checkChanges()
	for _, id := range slices.Sorted(maps.Keys(r.results)) {
		got := r.results[id]
		r.report.Verdicts[got.Verdict]++
		if err := got.Reconcile(); err != nil {
			r.violation("%s: %v", id, err)
		}
		r.checkTold(got)
		r.checkJobs(got)
	}
	r.checkUploads()
	r.checkLeaks()
	r.checkLimits()
	r.met()
}

// met counts what the scenario set up and the double did by itself.
func (r *run) met() {
	used, handedOver := false, false
	for _, p := range r.Pools {
		used = used || len(r.Cognito.Jobs(p.ID)) >= r.Settings.JobLimit
	}
	for _, e := range r.StepFunctions.Executions(r.Machine("import-job")) {
		q, ok := contract.ParseExecutionName(e.Name)
		handedOver = handedOver || ok && !q.Ticket.IsZero()
	}
	timedOut := slices.ContainsFunc(r.Imports(), func(e stepfunctions.Execution) bool {
		history, err := r.StepFunctions.History(context.Background(), e.ARN)
		return err == nil && slices.ContainsFunc(history, func(h stepfunctions.HistoryEvent) bool {
			return h.Type == "TaskTimedOut"
		})
	})
	for what, met := range map[string]bool{
		"quota: a pool's jobs used up": used, "execution: handed over": handedOver, "execution: part timed out": timedOut,
		"log: lines late": r.Settings.LogDelay > 0, "log: lines missing": r.Settings.LogMissing > 0,
		"log: lines doubled": r.Settings.LogDoubled > 0, "log: none": r.Settings.NoLogGroup,
		"sweep: claim taken over": strings.Contains(r.journal.String(), "Taking over a file"),
		"queue: import window":    r.window != [2]time.Duration{},
	} {
		if met {
			r.count(what)
		}
	}
}

// checkDrops: every drop has exactly one result, and each of its rows is where the result says.
func (r *run) checkDrops() {
	names := map[string]map[string]int{} // how often a pool's files name a user
	users := map[string]map[string]bool{}
	for _, p := range r.Pools {
		names[p.ID], users[p.ID] = map[string]int{}, map[string]bool{}
		for _, u := range r.Cognito.Users(p.ID) {
			users[p.ID][u.Name] = true
		}
	}
	for _, drop := range r.Drops {
		if drop.Pool != nil && !drop.check {
			for _, row := range drop.Rows {
				names[drop.Pool.ID][row.Username]++
			}
		}
	}
	for i, drop := range r.Drops {
		results := r.of(drop)
		if len(results) > 1 || len(results) == 0 && !drop.vanished {
			r.violation("drop %d (%s) has %d results", i, drop.Key, len(results))
		}
		if len(results) != 1 || drop.Pool == nil || drop.Pool.deleted {
			continue
		}
		got := results[0]
		if got.Verdict == contract.VerdictErrored && !r.mayBreak() {
			r.violation("drop %d: verdict ERROR: %+v", i, got.Error)
		}
		if got.Mode == contract.ModeCheck || got.Rows.Read == 0 {
			continue
		}
		r.checkRows(i, drop, got, names[drop.Pool.ID], users[drop.Pool.ID])
	}
}

// mayBreak reports whether the scenario does what no workflow survives.
func (r *run) mayBreak() bool {
	if len(r.faults.strikes) > 0 || r.environment["MAX_IMPORT_DAYS"] != "" {
		return true
	}
	for _, a := range r.actions {
		switch a.name {
		case "part aborted", "pool deleted", "source deleted", "abort", "redrive":
			return true
		}
	}
	return false
}

// checkRows looks where each row of a source ended.
func (r *run) checkRows(i int, drop *Drop, got *contract.Result, names map[string]int, users map[string]bool) {
	at := slices.IndexFunc(got.Sources, func(s contract.Source) bool {
		return s.Key == drop.Key && s.VersionID == drop.VersionID
	})
	source := got.Sources[at]
	if source.Rows.Read == 0 {
		return // refused as a whole, among several
	}
	url := got.Files.Failed
	if len(got.Sources) > 1 {
		url = ""
		if source.Files != nil {
			url = source.Files.Failed
		}
	}
	codes, ok := r.failedCodes(i, drop, source, url)
	if !ok {
		return
	}
	if source.Rows.Read != int64(len(drop.Rows)) {
		r.violation("drop %d: %d rows read of %d", i, source.Rows.Read, len(drop.Rows))
	}
	before := len(r.report.Violations)
	for _, row := range drop.Rows {
		if len(r.report.Violations) > before+2 {
			break // one cause, many rows
		}
		r.checkRow(i, row, codes, names, users)
	}
}

// failedCodes returns the codes of a source's failed.csv by line; false if there is none, or another violation.
func (r *run) failedCodes(i int, drop *Drop, source contract.Source, url string) (codes map[int]string, ok bool) {
	o := source.Rows.Counts()
	lossy := source.Rows.Rejected + o.Failed + o.Unprocessed
	switch {
	case url != "":
		bucket, key, _ := strings.Cut(strings.TrimPrefix(url, "s3://"), "/")
		text, err := r.S3.Get(bucket, key)
		if err == nil {
			codes, err = failedRows(text)
		}
		if err != nil {
			r.violation("drop %d: failed.csv: %v", i, err)
			return nil, false
		}
	case lossy > 0 && !drop.vanished:
		r.violation("drop %d: %d rows did not make it, and there is no failed.csv", i, lossy)
		return nil, false
	case lossy > 0:
		return nil, false
	}
	if int64(len(codes)) < lossy {
		r.violation("drop %d: failed.csv has %d rows, want at least %d", i, len(codes), lossy)
	}
	return codes, true
}

// checkRow compares where a row ended with what it is.
func (r *run) checkRow(i int, row Row, codes map[int]string, names map[string]int, users map[string]bool) {
	code, failed := codes[row.Line]
	there := users[row.Username]
	known := row.Kind == Existing || row.Kind == Shared || names[row.Username] > 1
	rejected := failed && code != "CognitoFailed" && code != "NotProcessed" && code != "FateUnknown" &&
		code != "ChangeFailed"
	switch {
	case row.Kind == Bad && !rejected:
		r.violation("drop %d line %d: a bad row is not rejected", i, row.Line)
	case row.Kind != Bad && rejected && !(code == "DuplicateUsername" && known): // of one sweep
		r.violation("drop %d line %d: a good row is rejected: %s", i, row.Line, code)
	case !failed && !there && row.Kind != Clash:
		r.violation("drop %d line %d: neither in the pool nor in failed.csv", i, row.Line)
	case failed && there && !known && code != "FateUnknown" && code != "ChangeFailed":
		r.violation("drop %d line %d: %s, and the user is in the pool", i, row.Line, code)
	}
}

// failedRows are the codes of failed.csv by line.
func failedRows(text []byte) (map[int]string, error) {
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	line, code := slices.Index(records[0], "userdrop:line"), slices.Index(records[0], "userdrop:code")
	codes := map[int]string{}
	for _, record := range records[1:] {
		n, err := strconv.Atoi(record[line])
		if err != nil {
			return nil, err
		}
		if codes[n] != "" {
			return nil, fmt.Errorf("line %d comes twice", n)
		}
		codes[n] = record[code]
	}
	return codes, nil
}

// checkTold: event and message went out, and say what result.json says.
func (r *run) checkTold(got *contract.Result) {
	events := 0
	for _, e := range r.Published() {
		if e.ImportID == got.ImportID {
			events++
			if e.Verdict != got.Verdict {
				r.violation("%s: the event says %s, the result %s", got.ImportID, e.Verdict, got.Verdict)
			}
		}
	}
	messages := 0
	for _, m := range r.SNS.Messages() {
		if strings.Contains(m.Body, got.ImportID) {
			messages++
		}
	}
	if events == 0 || messages == 0 {
		r.violation("%s: %d events, %d messages", got.ImportID, events, messages)
	}
}

// checkJobs compares a result with the jobs of its import.
func (r *run) checkJobs(got *contract.Result) {
	var imported, skipped, failed int64
	for _, j := range r.Cognito.Jobs(got.UserPoolID) {
		if _, _, ours := contract.PartOfJob(got.ImportID, j.JobName); !ours {
			continue
		}
		imported += j.ImportedUsers
		skipped += j.SkippedUsers
		failed += j.FailedUsers
		if at := time.Time(j.StartDate).Sub(r.chaos.start); at > 0 && !r.mayStart(at) {
			r.violation("%s: job %s started after %s, when none may", got.ImportID, j.JobName, at)
		}
		switch j.Status {
		case "Pending", "InProgress", "Stopping":
			r.violation("%s: job %s is %s after the result", got.ImportID, j.JobName, j.Status)
		}
	}
	o := got.Rows.Counts()
	pool := slices.IndexFunc(r.Pools, func(p *Pool) bool { return p.ID == got.UserPoolID })
	if pool < 0 || r.Pools[pool].deleted || got.Mode == contract.ModeCheck {
		return
	}
	if o.Imported > imported || o.Imported+o.Skipped < imported {
		r.violation("%s: the jobs imported %d and skipped %d, the result says %d and %d",
			got.ImportID, imported, skipped, o.Imported, o.Skipped)
	}
	perfect := r.Settings.LogMissing == 0 && !r.Settings.NoLogGroup
	if perfect && (o.Imported != imported || o.Failed != failed) {
		r.violation("%s: the jobs imported %d and failed %d, the result says %d and %d",
			got.ImportID, imported, failed, o.Imported, o.Failed)
	}
}

// mayStart reports whether a job may start: the queue is not paused, and the window is open.
func (r *run) mayStart(at time.Duration) bool {
	const late = 2 * time.Minute // a function was at work, and Cognito took its time
	if at > r.held[0]+late && at < r.held[1] {
		return false
	}
	open := func(at time.Duration) bool {
		from, to, clock := r.window[0], r.window[1], at%(24*time.Hour)
		if from <= to {
			return from == to || clock >= from && clock < to
		}
		return clock >= from || clock < to
	}
	return open(at) || open(max(at-late, 0))
}

// jobName takes the import id out of a job's name.
var jobName = regexp.MustCompile(`^(.+)-p\d+-a\d+$`)

// checkUploads: no row is in two successful jobs of one import.
func (r *run) checkUploads() {
	for _, p := range r.Pools {
		seen := map[string]string{}
		for _, j := range r.Cognito.Jobs(p.ID) {
			m := jobName.FindStringSubmatch(j.JobName)
			if m == nil || j.Status != "Succeeded" {
				continue
			}
			id := m[1]
			for line := range strings.Lines(string(r.chaos.uploads[j.JobID])) {
				if key := id + line; strings.Contains(line, Marker) {
					if seen[key] != "" && seen[key] != j.JobID {
						r.violation("%s: a row is in two successful jobs, %s and %s", j.JobName, seen[key], j.JobID)
						return
					}
					seen[key] = j.JobID
				}
			}
		}
	}
}

// checkLimits: the double refuses what is beyond a limit; here it must not have had to.
func (r *run) checkLimits() {
	// A quarter of 5 a second for each operation and pool:
	// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
	const describe = "cognito-idp DescribeUserImportJob"
	if w := r.chaos.quotas[describe]; w != nil && w.most > 75*len(r.Pools) {
		r.violation("%s was called %d times in a minute", describe, w.most)
	}
	for _, arn := range slices.Sorted(maps.Keys(r.StepFunctions.Machines())) {
		for _, e := range r.StepFunctions.Executions(arn) {
			r.report.Executions = append(r.report.Executions, fmt.Sprintf("%s %s %s: %s %.200s (%s)",
				e.Started.Format(time.TimeOnly), e.Name, e.Status, e.Error, e.Cause, strings.Join(e.States, " ")))
		}
	}
	for arn := range r.StepFunctions.Machines() {
		for _, e := range r.StepFunctions.Executions(arn) {
			r.report.States += len(e.States)
			if e.Error == "States.DataLimitExceeded" || e.Events >= 20_000 {
				r.violation("%s: %d events, error %q", e.Name, e.Events, e.Error)
			}
			if e.Status == stepfunctions.Failed && e.Error == "UnknownAnswer" {
				r.violation("%s: %s", e.Name, e.Error)
			}
		}
	}
}
