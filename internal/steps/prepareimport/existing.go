package prepareimport

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"io"
	"slices"
	"strings"
	"time"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/userpool"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
	"userdrop/internal/usercsv/dialect"
)

const (
	// lookTime bounds a dry run's look for users: 2,250 names, or 135,000 users.
	lookTime = 5 * time.Minute
	maxLooks = int(lookTime / userpool.Every)
	// maxNames bounds the memory that a roster takes, to 16 MB.
	maxNames = 2 << 20
)

// roster keeps the usernames of accepted rows: the first ones as they are, and a hash of each, up to a number of both.
type roster struct {
	pool         *usercsv.Pool
	most, hashes int
	seed         maphash.Seed
	rows         int
	first        []string
	all          []uint64
}

func (r *roster) add(name string) {
	if r.rows == 0 {
		r.seed = maphash.MakeSeed()
	}
	r.rows++
	if len(r.first) < r.most {
		r.first = append(r.first, strings.Clone(name))
	}
	if len(r.all) < r.hashes {
		r.all = append(r.all, r.hash(name))
	}
}

// hash is the same for names that the pool takes for one.
func (r *roster) hash(name string) uint64 {
	return maphash.String(r.seed, dialect.NameKey(name, r.pool.CaseSensitive))
}

func (r *roster) has(name string) bool {
	_, found := slices.BinarySearch(r.all, r.hash(name))
	return found
}

// existing finds out how many rows of a dry run are of users who are there already. It pages through the pool, or asks
// for the rows' users one by one, whichever takes fewer calls. What the calls that it allows itself do not tell stays
// unchecked.
func (p *Prepare) existing(ctx context.Context, rows *roster, users int) (*contract.Existing, error) {
	slices.Sort(rows.all)
	budget := lookTime
	if deadline, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(deadline)/2)
	}
	l := userpool.NewLook(p.Cognito, userpool.Pool{
		ID: rows.pool.ID, UsernameAttributes: rows.pool.UsernameAttributes, CaseSensitive: rows.pool.CaseSensitive,
	}, budget)
	defer l.Stop()
	var found *contract.Existing
	var err error
	if pages := users/userpool.PageSize + 1; rows.rows <= pages || pages > l.Left {
		found, err = each(ctx, l, rows)
	} else {
		found, err = through(ctx, l, rows)
	}
	if awserror.Name(err) == contract.Throttled || errors.Is(err, userpool.ErrEnough) {
		err = nil // somebody else needs the API: the rest stays unchecked
	}
	return found, err
}

// through goes through the whole pool.
func through(ctx context.Context, l *userpool.Look, rows *roster) (*contract.Existing, error) {
	e := &contract.Existing{}
	err := l.Users(ctx, "", func(name string) {
		if rows.has(name) {
			e.Found++
		}
	})
	e.Unchecked = rows.rows - len(rows.all)
	if err != nil {
		e.Unchecked = rows.rows - e.Found
	}
	return e, err
}

// each asks for the rows' users, as far as it gets.
func each(ctx context.Context, l *userpool.Look, rows *roster) (*contract.Existing, error) {
	e := &contract.Existing{Unchecked: rows.rows}
	for _, name := range rows.first {
		there, err := l.Has(ctx, name)
		if err != nil {
			return e, err
		}
		e.Unchecked--
		if there {
			e.Found++
		}
	}
	return e, nil
}

// dryPart is a part that nobody will import. It reads the usernames out of it.
type dryPart struct {
	roster *roster
	names  *dialect.Usernames // nil until the header was read
	rest   []byte
}

func (d *dryPart) Write(text []byte) (int, error) {
	d.rest = append(d.rest, text...)
	for {
		line, rest, whole := bytes.Cut(d.rest, []byte("\n"))
		if !whole {
			d.rest = append(d.rest[:0], line...)
			return len(text), nil
		}
		d.rest = rest
		d.line(string(line))
	}
}

func (d *dryPart) line(line string) {
	if d.names == nil {
		names := dialect.NewUsernames(line)
		d.names = &names
		return
	}
	d.roster.add(d.names.Of(line))
}

func (*dryPart) Lines() io.Writer                { return io.Discard }
func (*dryPart) Close(usercsv.PartSummary) error { return nil }
func (*dryPart) Discard() error                  { return nil }

// nowhere is a sink for a file that is only looked at.
type nowhere struct{}

func (nowhere) OpenPart(context.Context, usercsv.Part) (usercsv.PartWriter, error) {
	return nowhere{}, nil
}
func (nowhere) Reject(context.Context, *usercsv.Rejected) error { return nil }
func (nowhere) Write(text []byte) (int, error)                  { return len(text), nil }
func (nowhere) Lines() io.Writer                                { return io.Discard }
func (nowhere) Close(usercsv.PartSummary) error                 { return nil }
func (nowhere) Discard() error                                  { return nil }
