package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// ImportID names the drop of one version of one object, and so its execution of import-users: the same event delivered
// twice names the same execution, the same content put again is another version and another drop. It is at most 49 of
// the characters that an execution name may have.
func ImportID(o Object) string {
	return identify(path.Base(o.Key), o.Bucket, o.Key, o.VersionID, o.ETag)
}

// SweepID names the import of what the sweep scheduled for that time took for one pool; number tells imports of one
// pool apart. A sweep that is tried again or comes twice makes the same names.
func SweepID(userPoolID string, at time.Time, number int) string {
	return identify("scheduled", userPoolID, at.UTC().Format(time.RFC3339Nano), strconv.Itoa(number))
}

// GatherID names the import of what one pool's files gathered by that time came to.
func GatherID(userPoolID string, at time.Time, number int) string {
	return identify("gathered", userPoolID, at.UTC().Format(time.RFC3339Nano), strconv.Itoa(number))
}

func identify(name string, parts ...string) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '-'
		}
	}, strings.TrimSuffix(name, path.Ext(name)))
	slug = strings.Trim(slug[:min(len(slug), 24)], "-")
	if slug == "" {
		slug = "drop"
	}
	hash := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(hash, "%d:%s", len(p), p) // with its length, so that no two lists look alike
	}
	return slug + "-" + hex.EncodeToString(hash.Sum(nil)[:12])
}

// JobName is the name of an attempt's Cognito job. Cognito does not demand that it is unique; we do.
func JobName(importID string, part, attempt int) string {
	return fmt.Sprintf("%s-p%d-a%d", importID, part, attempt)
}

// PartOfJob takes a JobName of an import apart; ok is false for any other job's name.
func PartOfJob(importID, jobName string) (part, attempt int, ok bool) {
	rest, ours := strings.CutPrefix(jobName, importID+"-p")
	p, a, cut := strings.Cut(rest, "-a")
	part, errPart := strconv.Atoi(p)
	attempt, errAttempt := strconv.Atoi(a)
	return part, attempt, ours && cut && errPart == nil && errAttempt == nil
}

// The objects of an import in the work bucket.

// WorkPrefix holds all of them.
func WorkPrefix(importID string) string { return importID + "/" }

// PlanKey holds the Plan.
func PlanKey(importID string) string { return importID + "/plan.json" }

// BeganKey holds the time when a drop was first prepared, as JSON.
func BeganKey(importID string) string { return importID + "/began.json" }

// RejectedKey holds the rows that the CSV rules rejected, as Outcomes, one a line.
func RejectedKey(importID string) string { return importID + "/rejected.jsonl" }

// ExclusionsKey holds the rows that mappings left out, as Exclusions, one a line.
func ExclusionsKey(importID string) string { return importID + "/excluded.jsonl" }

// PartKey holds an attempt's rows in Cognito's dialect.
func PartKey(importID string, part, attempt int) string {
	return fmt.Sprintf("%s/part-%04d/attempt-%d.csv", importID, part, attempt)
}

// LinesKey holds the map from an attempt's rows to the sources' lines.
func LinesKey(importID string, part, attempt int) string {
	return fmt.Sprintf("%s/part-%04d/attempt-%d.lines", importID, part, attempt)
}

// SummaryKey holds an attempt's Summary.
func SummaryKey(importID string, part, attempt int) string {
	return fmt.Sprintf("%s/part-%04d/attempt-%d.json", importID, part, attempt)
}

// OutcomesKey holds an attempt's Outcomes.
func OutcomesKey(importID string, part, attempt int) string {
	return fmt.Sprintf("%s/part-%04d/attempt-%d.jsonl", importID, part, attempt)
}

// ClosedKey says who closes an import of scheduled files: Publishing, or TakenOver. It is written once, so that a sweep
// that takes over the files of an import that broke, and a job or the result of that import can not both come about.
func ClosedKey(importID string) string { return importID + "/closed" }

// What ClosedKey holds.
const (
	Publishing = "its result is published"
	TakenOver  = "its files are taken over"
)

// StartsKey holds when a job of the import was last about to be started, or WoundUp: publish-result winds up what an
// execution left undone, and no job is started any more, though somebody redrives it.
func StartsKey(importID string) string { return importID + "/starts" }

// WoundUp is what StartsKey holds at the end.
const WoundUp = "wound up"

// ClaimPrefix begins the keys of claims.
const ClaimPrefix = "claims/"

// ClaimKey holds, in the work bucket, the id of the import that takes a file, where it is not the file's own import
// alone.
func ClaimKey(importID string) string { return ClaimPrefix + importID }

// GatheredPrefix begins the keys of files that wait for others of their pool, each a Gathered.
const GatheredPrefix = "gathered/"

// GatheredPoolPrefix begins those of one pool.
func GatheredPoolPrefix(userPoolID string) string { return GatheredPrefix + userPoolID + "/" }

// GatheredKey is that of one file, by the id that its own import would have.
func GatheredKey(userPoolID, importID string) string {
	return GatheredPoolPrefix(userPoolID) + importID
}

// WindowKey holds, in the work bucket, when a pool's files that gather are next taken.
func WindowKey(userPoolID string) string { return "windows/" + userPoolID }

// HoldKey, an object of the work bucket, holds the queue while it is there: userdrop pause puts it, and resume deletes
// it.
const HoldKey = "hold"

// The objects of an import in the results bucket.

// ResultKey holds result.json: the commit point.
func ResultKey(importID string) string { return importID + "/result.json" }

// FailedKey holds failed.csv; of the nth source (from 0) where an import has several.
func FailedKey(importID string, source, sources int) string {
	if sources > 1 {
		return fmt.Sprintf("%s/failed-%04d.csv", importID, source+1)
	}
	return importID + "/failed.csv"
}

// ExcludedKey holds excluded.csv; of the nth source (from 0) where an import has several.
func ExcludedKey(importID string, source, sources int) string {
	if sources > 1 {
		return fmt.Sprintf("%s/excluded-%04d.csv", importID, source+1)
	}
	return importID + "/excluded.csv"
}

// ExecutionARN returns the ARN of a state machine's execution of a name.
func ExecutionARN(machineARN, name string) string {
	return strings.Replace(machineARN, ":stateMachine:", ":execution:", 1) + ":" + name
}

// ReportKey holds report.html.
func ReportKey(importID string) string { return importID + "/report.html" }

// NotifiedKey marks, in the work bucket, that the event and the message of a result were sent.
func NotifiedKey(importID string) string { return importID + "/told" }

// DoneKey marks, in the work bucket, that nothing is left to do for an import, and holds its Published. The mark outlives
// result.json and every Redrive: it expires with the work bucket's objects, 44 days after it was written or later.
func DoneKey(importID string) string { return importID + "/done" }

// maxBase is the longest file name, in bytes, that a source keeps. A key of S3 has at most 1,024.
const maxBase = 255

// ProcessedKey is where a source goes, in its own bucket, when its result is published.
func ProcessedKey(importID, key string, finished time.Time) string {
	base := path.Base(key)
	base = strings.ToValidUTF8(base[max(len(base)-maxBase, 0):], "")
	return fmt.Sprintf("processed/%s/%s/%s", finished.UTC().Format(time.DateOnly), importID, base)
}

// MappingKey holds, in the inbox, the mapping of all drops for a user pool.
func MappingKey(userPoolID string) string { return "mappings/" + userPoolID + ".json" }

// ManifestSuffix ends the key of a sidecar, which says what a CSV file must hold.
const ManifestSuffix = ".manifest.json"
