package report

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"userdrop/internal/contract"
)

// clean makes text from outside, such as an object key, safe to show anywhere: what could move a cursor, reverse the
// writing direction, hide or break a line is written as an escape, and the middle is cut out beyond a length.
func clean(s string, limit int) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
		i += size
	}
	return clip(b.String(), limit)
}

// clip cuts the middle out of text with more characters than limit.
func clip(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	r := []rune(s)
	head := limit / 2
	return string(r[:head]) + "…" + string(r[len(r)-(limit-head-1):])
}

// group writes a count with commas: 1234567 as 1,234,567.
func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// count writes a number with its noun.
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return group(n) + " " + noun + "s"
}

// span writes a duration as a person would: 4 h 7 min.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	switch days, h, m, s := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60, int(d.Seconds())%60; {
	case d < time.Second:
		return "under 1 s"
	case days > 0 && h > 0:
		return fmt.Sprintf("%d d %d h", days, h)
	case days > 0:
		return fmt.Sprintf("%d d", days)
	case h > 0 && m > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	case h > 0:
		return fmt.Sprintf("%d h", h)
	case m > 0 && s > 0:
		return fmt.Sprintf("%d min %d s", m, s)
	case m > 0:
		return fmt.Sprintf("%d min", m)
	default:
		return fmt.Sprintf("%d s", s)
	}
}

// sourceName is what people call the drop: the file's name, or how many files there are.
func sourceName(r *contract.Result, limit int) string {
	switch len(r.Sources) {
	case 0:
		return "the drop"
	case 1:
		return clean(path.Base(r.Sources[0].Key), limit)
	default:
		return count(int64(len(r.Sources)), "file")
	}
}

// lost is the number of rows that did not make it, which are those of failed.csv.
func lost(r contract.Rows) int64 {
	o := r.Counts()
	return r.Rejected + o.Failed + o.Unprocessed
}

// headline is the verdict in words.
func headline(r *contract.Result) string {
	read, arrived := r.Rows.Read-r.Rows.Excluded, r.Rows.Arrived()
	switch r.Verdict {
	case contract.VerdictSucceeded:
		if read == 1 {
			return "The user is in the pool"
		}
		return fmt.Sprintf("All %s users are in the pool", group(read))
	case contract.VerdictPartial:
		if arrived == read {
			return fmt.Sprintf("All %s users are in the pool, but %s failed", group(read),
				count(r.Changes.FailedChanges(), "change"))
		}
		return fmt.Sprintf("%s of %s users are in the pool", group(arrived), group(read))
	case contract.VerdictChecked:
		if r.Rows.Rejected == 0 {
			return "Every row passes: " + count(read, "user") + " can be imported"
		}
		return fmt.Sprintf("%s of %s rows pass", group(r.Rows.Submitted), group(read))
	case contract.VerdictRejected:
		if read == 0 && r.Rows.Excluded > 0 {
			return "The mapping left out every row: nothing was imported"
		}
		if read > 0 {
			return "Every row was rejected: nothing was imported"
		}
		if len(r.Sources) > 1 {
			return "The files were refused: nothing was imported"
		}
		return "The file was refused: nothing was imported"
	case contract.VerdictStopped:
		return "The import was stopped: no user was imported"
	case contract.VerdictExpired:
		return "The import job expired: no user was imported"
	case contract.VerdictFailed:
		return "The import failed: no user was imported"
	default:
		if arrived > 0 {
			return fmt.Sprintf("The workflow broke: %s of %s users are in the pool", group(arrived), group(read))
		}
		return "The workflow broke before the import was done"
	}
}

// advice says what to do.
func advice(r *contract.Result) string {
	limit := slices.ContainsFunc(r.Problems, func(p contract.Problem) bool { return p.Code == contract.JobLimit })
	if limit && (r.Verdict == contract.VerdictFailed || r.Verdict == contract.VerdictPartial) {
		return "The pool's import jobs are used up: ask AWS to raise the quota first. " + fix(r)
	}
	switch r.Verdict {
	case contract.VerdictSucceeded:
		if o := r.Rows.Counts(); o.Skipped > 0 {
			return fmt.Sprintf("%s imported, %s there already. Nothing is left to do.",
				group(o.Imported), group(o.Skipped))
		}
		return "Nothing is left to do."
	case contract.VerdictPartial:
		if lost(r.Rows) == 0 {
			return "failed.csv names the rows whose changes failed. Drop it again: users who are in the pool are skipped."
		}
		return fix(r)
	case contract.VerdictChecked:
		if lost(r.Rows) > 0 {
			return fmt.Sprintf("Nothing was imported: this was a check. It found %s to fix.", count(lost(r.Rows), "row"))
		}
		return "Nothing was imported: this was a check. Drop the same file under incoming/ to import it."
	case contract.VerdictRejected:
		if r.Rows.Rejected > 0 {
			return fix(r)
		}
		if r.Rows.Excluded > 0 {
			return "excluded.csv names the reason of each row."
		}
		return "Fix what is named below and drop the file again."
	case contract.VerdictStopped:
		return "The file was left where it is. Drop it again when the import may run."
	case contract.VerdictExpired:
		return "The job was not started in time. Drop the file again."
	case contract.VerdictFailed:
		if r.Rows.Rejected == 0 {
			return "Fix what stopped it, then drop the file again."
		}
		return "Fix what stopped it. Then fix the rows that were rejected in " + failedFile(r) +
			", which holds all rows, and drop it."
	default:
		// To redrive the execution does not help: it has its one result.
		return "The file was left where it is. Fix what broke, then drop the file again: " +
			"users who are in the pool are skipped."
	}
}

func fix(r *contract.Result) string {
	n := lost(r.Rows)
	what := "the " + group(n) + " rows"
	if n == 1 {
		what = "the row"
	}
	o := r.Rows.Counts()
	switch file := failedFile(r); {
	case r.Rows.Rejected+o.Failed == 0:
		return fmt.Sprintf("Drop %s: the import did not come to %s in it.", file, what)
	case file != "failed.csv":
		return fmt.Sprintf("Fix %s in %s and drop those files.", what, file)
	default:
		return fmt.Sprintf("Fix %s in %s and drop that file.", what, file)
	}
}

// failedFile names the file with the rows that did not make it: in an import of many files, each has its own.
func failedFile(r *contract.Result) string {
	if len(r.Sources) > 1 && r.Files.Failed == "" {
		return "the failed.csv of each file"
	}
	return "failed.csv"
}

// sentence is the verdict in words and what to do.
func sentence(r *contract.Result) string { return headline(r) + ". " + advice(r) }

// passwords says how the imported users sign in, of which Cognito tells them nothing
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-using-import-tool.html).
func passwords(r *contract.Result) string {
	if r.Rows.Counts().Imported == 0 {
		return ""
	}
	const none = "Cognito sent the users no message. "
	hashed, plain := int64(0), int64(0)
	for _, j := range r.Jobs {
		if j.PasswordHashingAlgorithm != "" {
			hashed += j.Rows.Imported
		} else {
			plain += j.Rows.Imported
		}
	}
	const reset = "must reset their password at the first sign-in (ForgotPassword, then ConfirmForgotPassword)"
	const keep = "sign in with the password they have, the first time by USER_PASSWORD_AUTH"
	switch {
	case hashed == 0:
		return none + "They " + reset + ", unless the pool offers sign-in without password."
	case plain == 0:
		return none + "They " + keep + "."
	default:
		return none + "Those imported with a password hash " + keep + "; the others " + reset + "."
	}
}

// lines writes the line numbers of a problem: "lines 4-6, 9 and 12 more".
func lines(p contract.Problem) string {
	if p.Code.OfFile() {
		return LineList(p.Lines, len(p.Lines))
	}
	return LineList(p.Lines, p.Count)
}

// ranges writes ascending line numbers, neighbours as a range: 4-6, 9.
func ranges(lines []int) []string {
	var words []string
	for i := 0; i < len(lines); {
		last := i
		for last+1 < len(lines) && lines[last+1] == lines[last]+1 {
			last++
		}
		word := strconv.Itoa(lines[i])
		if last > i {
			word += "-" + strconv.Itoa(lines[last])
		}
		words = append(words, word)
		i = last + 1
	}
	return words
}

// LineList writes ascending line numbers, which are the first of count, with neighbours as a range: "lines 4-6, 9 and 12
// more". It returns "" for no line.
func LineList(lines []int, count int) string {
	if len(lines) == 0 {
		return ""
	}
	noun := "lines "
	if len(lines) == 1 {
		noun = "line "
	}
	text := noun + strings.Join(ranges(lines), ", ")
	if rest := count - len(lines); rest > 0 {
		text += " and " + group(int64(rest)) + " more"
	}
	return text
}
