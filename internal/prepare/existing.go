package prepare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"userdrop/internal/usercsv"
	"userdrop/internal/workflow"
)

const (
	// lookEvery keeps a dry run at a quarter of ListUsers' 30 a second, which the account's own applications share.
	// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
	lookEvery = time.Second * 4 / 30
	// lookTime bounds a dry run's look for users: 2,250 names, or 135,000 users.
	lookTime = 5 * time.Minute
	maxLooks = int(lookTime / lookEvery)
	// usersPerPage is ListUsers' limit.
	usersPerPage = 60
	// maxNames bounds the memory that a roster takes, to 16 MB.
	maxNames = 2 << 20
)

// roster keeps the usernames of a dry run's accepted rows: the first ones as they are, and a hash of each.
type roster struct {
	pool  *usercsv.Pool
	seed  maphash.Seed
	rows  int
	first []string
	all   []uint64
}

func (r *roster) add(name string) {
	if r.rows == 0 {
		r.seed = maphash.MakeSeed()
	}
	r.rows++
	if len(r.first) < maxLooks {
		r.first = append(r.first, strings.Clone(name))
	}
	if len(r.all) < maxNames {
		r.all = append(r.all, r.hash(name))
	}
}

// hash is the same for names that the pool takes for one.
func (r *roster) hash(name string) uint64 {
	if !r.pool.CaseSensitive {
		name = strings.Map(unicode.ToLower, name)
	}
	return maphash.String(r.seed, name)
}

func (r *roster) has(name string) bool {
	_, found := slices.BinarySearch(r.all, r.hash(name))
	return found
}

// existing finds out how many rows of a dry run are of users who are there already. It pages through the pool, or asks
// for the rows' users one by one, whichever takes fewer calls. What the calls that it allows itself do not tell stays
// unchecked.
func (p *Prepare) existing(ctx context.Context, rows *roster, users int) (*workflow.Existing, error) {
	slices.Sort(rows.all)
	budget := lookTime
	if deadline, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(deadline)/2)
	}
	l := &look{api: p.Cognito, pool: rows.pool, left: max(int(budget/lookEvery), 0), tick: time.NewTicker(lookEvery)}
	defer l.tick.Stop()
	var found *workflow.Existing
	var err error
	if pages := users/usersPerPage + 1; rows.rows <= pages || pages > l.left {
		found, err = l.each(ctx, rows)
	} else {
		found, err = l.through(ctx, rows)
	}
	if workflow.Classify(err) == workflow.Throttled || errors.Is(err, errEnough) {
		err = nil // somebody else needs the API: the rest stays unchecked
	}
	return found, err
}

// errEnough ends a look whose calls are used up.
var errEnough = errors.New("no calls left")

// look is a bounded number of calls of ListUsers, at a bounded rate.
type look struct {
	api interface {
		ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
	}
	pool *usercsv.Pool
	left int
	tick *time.Ticker
}

// users yields the names of the users that match a filter, all where it is empty.
func (l *look) users(ctx context.Context, filter string, yield func(name string)) error {
	input := &cognito.ListUsersInput{UserPoolId: &l.pool.ID, Limit: aws.Int32(usersPerPage)}
	if filter != "" {
		input.Filter = &filter
	}
	if len(l.pool.UsernameAttributes) == 0 {
		input.AttributesToGet = []string{"sub"} // which all have, and nobody's data
	}
	for {
		if l.left--; l.left < 0 {
			return errEnough
		}
		select {
		case <-l.tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		out, err := l.api.ListUsers(ctx, input)
		if err != nil {
			return fmt.Errorf("list the users of %s: %w", l.pool.ID, err)
		}
		for _, u := range out.Users {
			if len(l.pool.UsernameAttributes) == 0 {
				yield(aws.ToString(u.Username))
				continue
			}
			// The username is the sub; people sign in with the attributes.
			for _, a := range u.Attributes {
				if slices.Contains(l.pool.UsernameAttributes, aws.ToString(a.Name)) {
					yield(aws.ToString(a.Value))
				}
			}
		}
		if input.PaginationToken = out.PaginationToken; input.PaginationToken == nil {
			return nil
		}
	}
}

// through goes through the whole pool.
func (l *look) through(ctx context.Context, rows *roster) (*workflow.Existing, error) {
	e := &workflow.Existing{}
	err := l.users(ctx, "", func(name string) {
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
func (l *look) each(ctx context.Context, rows *roster) (*workflow.Existing, error) {
	e := &workflow.Existing{Unchecked: rows.rows}
	for _, name := range rows.first {
		there := false
		if err := l.users(ctx, l.filter(name), func(string) { there = true }); err != nil {
			return e, err
		}
		e.Unchecked--
		if there {
			e.Found++
		}
	}
	return e, nil
}

// filter asks for one user. https://docs.aws.amazon.com/cognito/latest/developerguide/how-to-manage-user-accounts.html
func (l *look) filter(name string) string {
	attribute := "username"
	if len(l.pool.UsernameAttributes) > 0 {
		attribute = "phone_number"
		if strings.Contains(name, "@") {
			attribute = "email"
		}
	}
	return attribute + ` = "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// dryPart is a part that nobody will import. It reads the usernames out of Cognito's dialect, in which a comma inside
// a value is written \, and no value has a line break.
type dryPart struct {
	roster *roster
	column int
	header bool // was read
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
	const comma = "\x00" // which no source may hold
	cells := strings.Split(strings.ReplaceAll(line, `\,`, comma), ",")
	if !d.header {
		d.header, d.column = true, slices.Index(cells, "cognito:username")
		return
	}
	d.roster.add(strings.ReplaceAll(cells[d.column], comma, ","))
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
