package publishresult

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// excluded writes excluded.csv, one for each source of which a mapping left rows out.
func (p *Publish) excluded(ctx context.Context, r *contract.Result, plan contract.Plan) error {
	if plan.Exclusions.Key == "" {
		return nil
	}
	body, err := objects.OpenVersion(ctx, p.S3, plan.Exclusions)
	if err != nil {
		return err
	}
	defer body.Close()
	rows := &exclusions{decoder: json.NewDecoder(bufio.NewReader(body))}
	if err := rows.next(); err != nil {
		return err
	}
	for i := range plan.Sources {
		if rows.ended || rows.head.Source != i {
			continue
		}
		written, err := p.excludedCSV(ctx, plan, i, rows)
		if err != nil {
			return err
		}
		if !written {
			continue
		}
		url := p.Results.URL(contract.ExcludedKey(plan.ImportID, i, len(plan.Sources)))
		if len(plan.Sources) == 1 {
			r.Files.Excluded = url
			continue
		}
		if r.Sources[i].Files == nil {
			r.Sources[i].Files = &contract.Files{}
		}
		r.Sources[i].Files.Excluded = url
	}
	return nil
}

// exclusions reads the rows that were left out, by source and line.
type exclusions struct {
	decoder *json.Decoder
	head    contract.Exclusion
	ended   bool
}

func (e *exclusions) next() error {
	e.head = contract.Exclusion{}
	err := e.decoder.Decode(&e.head)
	if errors.Is(err, io.EOF) {
		e.ended = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the rows that were left out: %w", err)
	}
	return nil
}

// excludedCSV writes the rows of one source that were left out. Where somebody deleted the source's version for good,
// there is none.
func (p *Publish) excludedCSV(
	ctx context.Context, plan contract.Plan, source int, rows *exclusions,
) (written bool, err error) {
	body, err := objects.OpenVersion(ctx, p.S3, plan.Sources[source].Object)
	gone := awserror.Name(err) == contract.Gone
	if gone {
		slog.WarnContext(ctx, "The source is gone; excluded.csv can't be written.", "importId", plan.ImportID)
		for !rows.ended && rows.head.Source == source {
			if err := rows.next(); err != nil {
				return false, err
			}
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer body.Close()
	cells, err := readAgain(body, plan, source)
	if err != nil {
		return false, err
	}
	upload := p.Results.Upload(ctx, contract.ExcludedKey(plan.ImportID, source, len(plan.Sources)),
		"text/csv; charset=utf-8")
	out := usercsv.NewExcludedWriter(upload, cells.Header)
	for !rows.ended && rows.head.Source == source {
		row, err := cells.Seek(rows.head.Line)
		if err == nil {
			err = out.Write(&usercsv.Excluded{
				Row:    row,
				Mapped: &usercsv.Mapped{ID: rows.head.ID, Because: rows.head.Because, Text: rows.head.Text},
			})
		}
		if err = errors.Join(err, rows.next()); err != nil {
			upload.Discard()
			return false, err
		}
	}
	return true, errors.Join(out.Flush(), upload.Close())
}
