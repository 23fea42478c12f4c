package publishresult

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/changes"
	"userdrop/internal/aws/objects"
	"userdrop/internal/aws/userpool"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// maxLooks is how many calls of ListUsers fit into ten minutes, at a quarter of its quota.
const maxLooks = 4500

// usersHeader are the columns of users.csv.
var usersHeader = []string{"userdrop:line", "id", "username", "sub", "status", "enabled", "outcome", "groups"}

// rowFacts are what the work bucket knows of the rows of a drop, by place.
type rowFacts struct {
	failed  map[contract.Place]contract.Code // in failed.csv
	groups  map[contract.Place][]string
	existed map[contract.Place]bool // whose users the import's job skipped
	changed map[contract.Place]bool // whose users existed and were changed
	unknown []unknownRow            // of FateUnknown
}

// lookup is what users.csv is made of.
type lookup struct {
	facts *rowFacts
	find  func(username string) (*userpool.User, error) // nil where there is no such user
}

// lookUp returns the users and the rows of an import where the stack maps users; nil where it does not, and where looking
// them up takes too long or the pool was deleted.
func (p *Publish) lookUp(
	ctx context.Context, r *contract.Result, plan contract.Plan, summaries []contract.Summary, failed []contract.Object,
) (*lookup, error) {
	if plan.Users.Key == "" || plan.Pool == nil {
		return nil, nil
	}
	decoded, err := usercsv.DecodePool(plan.Pool)
	if err != nil {
		return nil, err
	}
	pool := userpool.Pool{
		ID: decoded.ID, UsernameAttributes: decoded.UsernameAttributes, CaseSensitive: decoded.CaseSensitive,
	}
	facts, err := p.facts(ctx, plan, summaries, failed)
	if err != nil {
		return nil, err
	}
	find, err := p.finder(ctx, pool, plan)
	if awserror.Name(err) == contract.Gone {
		slog.WarnContext(ctx, "The user pool is gone; users.csv is not written.", "importId", plan.ImportID)
		return nil, nil
	}
	if err != nil || find == nil {
		r.UsersMissing = find == nil && err == nil
		return nil, err
	}
	return &lookup{facts: facts, find: find}, nil
}

// users writes users.csv: what became of each row whose user is in the pool.
func (p *Publish) users(ctx context.Context, r *contract.Result, plan contract.Plan, look *lookup) error {
	if look == nil {
		return nil
	}
	w := &usersWriter{p: p, r: r, plan: plan, source: -1}
	defer w.discard()
	err := p.acceptedRows(ctx, plan, func(row contract.AcceptedRow) error {
		code, lost := look.facts.failed[row.Place]
		if lost && code != contract.ChangeFailed && code != contract.FateUnknown {
			return nil
		}
		user, err := look.find(row.Username)
		if err != nil {
			return err
		}
		return w.write(ctx, row, user, look.facts, code)
	})
	if err != nil {
		return err
	}
	return w.close()
}

// acceptedRows calls do for each row that the rules accept, in the order of the drop.
func (p *Publish) acceptedRows(ctx context.Context, plan contract.Plan, do func(contract.AcceptedRow) error) error {
	body, err := objects.OpenVersion(ctx, p.S3, plan.Users)
	if err != nil {
		return err
	}
	defer body.Close()
	decoder := json.NewDecoder(bufio.NewReaderSize(body, 64<<10))
	for {
		var row contract.AcceptedRow
		if err := decoder.Decode(&row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the accepted rows: %w", err)
		}
		if err := do(row); err != nil {
			return err
		}
	}
}

// facts reads what the work bucket knows of the rows.
func (p *Publish) facts(
	ctx context.Context, plan contract.Plan, summaries []contract.Summary, failed []contract.Object,
) (*rowFacts, error) {
	f := &rowFacts{
		failed: map[contract.Place]contract.Code{}, groups: map[contract.Place][]string{}, changed: map[contract.Place]bool{},
		existed: map[contract.Place]bool{},
	}
	for _, s := range summaries {
		err := changes.Read(ctx, p.Work, s.Skipped, func(place contract.Place) { f.existed[place] = true })
		if err != nil {
			return nil, err
		}
	}
	for _, o := range failed {
		err := changes.Read(ctx, p.Work, o, func(o contract.Outcome) {
			place := contract.Place{Source: o.Source, Line: o.Line}
			if f.failed[place] = o.Codes[0]; o.Codes[0] == contract.FateUnknown {
				f.unknown = append(f.unknown, unknownRow{place, o.CountedAs})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	for _, part := range changes.Parts(p.Work, &plan) {
		err := changes.Read(ctx, p.Work, part.Wanted, func(c contract.Change) {
			f.groups[c.Place] = c.Groups
			f.changed[c.Place] = part.Number == 0
		})
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// way is how the users of a drop are found.
type way byte

const (
	findAll  way = iota // in a snapshot of the pool
	findEach            // by a filtered call for each row
	findNone            // both take more than ten minutes
)

// wayToFind returns the way that takes fewer calls of ListUsers: one for each row, or one for each page of the pool.
func wayToFind(rows, pages int) way {
	switch {
	case min(pages, rows) > maxLooks:
		return findNone
	case rows < pages:
		return findEach
	default:
		return findAll
	}
}

// finder returns what finds a user by the name that a row has: in a snapshot of the pool, or by a call for each row where
// that takes fewer. It is nil where both take more than ten minutes.
func (p *Publish) finder(
	ctx context.Context, pool userpool.Pool, plan contract.Plan,
) (find func(name string) (*userpool.User, error), err error) {
	pages, rows := plan.PoolUsers/userpool.PageSize+1, 0
	for _, s := range plan.Sources {
		rows += s.Read - s.Rejected
	}
	switch wayToFind(rows, pages) {
	case findNone:
		return nil, nil
	case findEach:
		// No user has that sub: the call only shows that the pool is still there.
		if err := userpool.Snapshot(ctx, p.Cognito, pool.ID, `sub = "0"`, func(*userpool.User) {}); err != nil {
			return nil, err
		}
		found := map[string]*userpool.User{}
		return func(name string) (*userpool.User, error) {
			if user, ok := found[name]; ok {
				return user, nil
			}
			var user *userpool.User
			err := userpool.Snapshot(ctx, p.Cognito, pool.ID, userpool.NameFilter(pool, name), func(u *userpool.User) { user = u })
			if err == nil {
				found[name] = user
			}
			return user, err
		}, nil
	}
	all := map[string]*userpool.User{}
	err = userpool.Snapshot(ctx, p.Cognito, pool.ID, "", func(u *userpool.User) {
		for _, name := range u.Names(pool) {
			all[pool.Key(name)] = u
		}
		u.Attributes = nil
	})
	return func(name string) (*userpool.User, error) { return all[pool.Key(name)], nil }, err
}

// usersWriter writes a users.csv for each source.
type usersWriter struct {
	p      *Publish
	r      *contract.Result
	plan   contract.Plan
	source int
	upload *objects.Upload
	out    *csv.Writer
}

func (w *usersWriter) write(
	ctx context.Context, row contract.AcceptedRow, user *userpool.User, facts *rowFacts, code contract.Code,
) error {
	record := []string{strconv.Itoa(row.Line), row.ID, row.Username, "", "", "", "imported", ""}
	switch {
	case user == nil && code == contract.FateUnknown:
		return nil
	case user == nil: // the list is late: the row is there, and the sub is not known yet
	case code == contract.FateUnknown && !during(w.r.Jobs, user.Created):
		return nil
	default:
		record[3], record[4], record[5] = user.Sub, user.Status, strconv.FormatBool(user.Enabled)
	}
	switch {
	case facts.changed[row.Place] && code == 0:
		record[6] = "updated"
	case row.Kept, facts.existed[row.Place], user != nil && user.Created.Before(w.plan.StartedAt):
		record[6] = "existed"
	}
	if code == 0 {
		record[7] = strings.Join(facts.groups[row.Place], ";")
	}
	if row.Source != w.source {
		if err := w.close(); err != nil {
			return err
		}
		if err := w.open(ctx, row.Source); err != nil {
			return err
		}
	}
	return w.out.Write(record)
}

func (w *usersWriter) open(ctx context.Context, source int) error {
	key := contract.UsersKey(w.plan.ImportID, source, len(w.plan.Sources))
	w.source, w.upload = source, w.p.Results.Upload(ctx, key, "text/csv; charset=utf-8")
	w.out = csv.NewWriter(w.upload)
	if url := w.p.Results.URL(key); len(w.plan.Sources) == 1 {
		w.r.Files.Users = url
	} else if files := &w.r.Sources[source].Files; *files == nil {
		*files = &contract.Files{Users: url}
	} else {
		(*files).Users = url
	}
	return w.out.Write(usersHeader)
}

func (w *usersWriter) close() error {
	if w.upload == nil {
		return nil
	}
	w.out.Flush()
	err := errors.Join(w.out.Error(), w.upload.Close())
	w.upload = nil
	return err
}

func (w *usersWriter) discard() {
	if w.upload != nil {
		w.upload.Discard()
	}
}
