package convert

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"strconv"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// sink writes converted.csv and excluded.csv. The import jobs' parts are of no interest here.
type sink struct {
	job        Job
	attributes []string
	rows       *output // converted.csv with all attributes
	hasID      bool
	hasValue   []bool // by attribute

	usernameAlone bool // the pool's users sign in with their username, and with nothing else
	fromID        int  // rows of such a pool with the product's id as the username
	excluded      *output
	exclusions    *usercsv.ExcludedWriter
	failed        *output
	failures      *usercsv.FailedWriter
}

// output is a file that is written.
type output struct {
	file *os.File
	*bufio.Writer
}

func create(name string) (*output, error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	return &output{file, bufio.NewWriterSize(file, 64<<10)}, nil
}

func (o *output) close() error {
	if o == nil {
		return nil
	}
	return errors.Join(o.Flush(), o.file.Close())
}

// Checked implements [usercsv.CheckedSink].
func (s *sink) Checked(_ context.Context, row *usercsv.CheckedRow) (err error) {
	if row.Values == nil {
		return nil // Reject receives it
	}
	if s.rows == nil {
		if s.rows, err = create(s.job.path(temporaryName)); err != nil {
			return err
		}
		s.attributes, s.hasValue = row.Attributes, make([]bool, len(row.Attributes))
	}
	s.hasID = s.hasID || row.ID != ""
	line := strconv.AppendInt(s.rows.AvailableBuffer(), int64(row.Line), 10)
	line = usercsv.AppendCell(append(line, ','), []byte(row.ID))
	for i, value := range row.Values {
		s.hasValue[i] = s.hasValue[i] || len(value) > 0
		if s.usernameAlone && row.ID != "" && s.attributes[i] == "cognito:username" && string(value) == row.ID {
			s.fromID++
		}
		line = usercsv.AppendCell(append(line, ','), value)
	}
	_, err = s.rows.Write(append(line, '\n'))
	return err
}

// Exclude implements [usercsv.ExcludeSink].
func (s *sink) Exclude(_ context.Context, row *usercsv.Excluded) (err error) {
	if s.excluded == nil {
		if s.excluded, err = create(s.job.path(excludedName)); err != nil {
			return err
		}
		s.exclusions = usercsv.NewExcludedWriter(s.excluded, *row.Header)
	}
	return s.exclusions.Write(row)
}

// Reject implements [usercsv.Sink]. Rows that the rules reject are in converted.csv; those that could not be mapped are
// written to failed.csv.
func (s *sink) Reject(_ context.Context, row *usercsv.Rejected) (err error) {
	if row.Code == 0 && !row.Codes.Has(contract.MappingFailed) {
		return nil
	}
	if s.failed == nil {
		if s.failed, err = create(s.job.path(failedName)); err != nil {
			return err
		}
		s.failures = usercsv.NewFailedWriter(s.failed, *row.Header)
	}
	return s.failures.WriteRejected(row)
}

// OpenPart implements [usercsv.Sink].
func (s *sink) OpenPart(context.Context, usercsv.Part) (usercsv.PartWriter, error) {
	return nowhere{}, nil
}

// finish ends the files and leaves the columns of converted.csv that no row has a value in out.
func (s *sink) finish() (files Files, err error) {
	if s.excluded != nil {
		files.Excluded = s.job.path(excludedName)
		err = errors.Join(s.exclusions.Flush(), s.excluded.close())
	}
	if s.failed != nil {
		files.Failed = s.job.path(failedName)
		err = errors.Join(err, s.failures.Flush(), s.failed.close())
	}
	if s.rows == nil || err != nil {
		return files, err
	}
	if err := s.rows.close(); err != nil {
		return files, err
	}
	files.Converted = s.job.path(convertedName)
	return files, s.writeConverted(files.Converted)
}

func (s *sink) writeConverted(name string) (err error) {
	in, err := os.Open(s.job.path(temporaryName))
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := create(name)
	if err != nil {
		return err
	}
	keep := []int{0}
	names := append([]string{"userdrop:line", "userdrop:id"}, s.attributes...)
	for i := range names {
		if i == 1 && s.hasID || i > 1 && s.hasValue[i-2] {
			keep = append(keep, i)
		}
	}
	write := func(cells []string) error {
		var line []byte
		for n, i := range keep {
			if n > 0 {
				line = append(line, ',')
			}
			line = usercsv.AppendCell(line, []byte(cells[i]))
		}
		_, err := out.Write(append(line, '\n'))
		return err
	}
	r := csv.NewReader(in)
	r.ReuseRecord = true
	for cells := names; err == nil; cells, err = r.Read() {
		if err = write(cells); err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, out.close())
}

// discard closes what is still open.
func (s *sink) discard() {
	for _, o := range []*output{s.rows, s.excluded, s.failed} {
		if o != nil {
			o.file.Close()
		}
	}
}

// nowhere is a part that nobody wants.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error)     { return len(p), nil }
func (nowhere) Lines() io.Writer                { return io.Discard }
func (nowhere) Close(usercsv.PartSummary) error { return nil }
func (nowhere) Discard() error                  { return nil }
