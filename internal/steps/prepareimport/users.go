package prepareimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"userdrop/internal/aws/objects"
	"userdrop/internal/aws/userpool"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

const (
	// oldest is the age at which checkpoints are of no use: users have changed since, and a page's token may have lapsed.
	oldest = time.Hour
	// maxUsersBytes bounds the memory that the users of a drop take: about 1.5 million.
	maxUsersBytes = 512 << 20
)

// errUnfinished says that the users of the pool are not all read: the next run continues from the last checkpoint.
var errUnfinished = errors.New("the pool's users are not all read yet")

// poolUser is an existing user whom a drop names.
type poolUser struct {
	Username   string            `json:"u"` // as operations take it
	Names      []string          `json:"n"` // keys of the names that a row may have
	Enabled    bool              `json:"e"`
	Attributes map[string]string `json:"a"`
}

// poolUsers holds the JSON of a poolUser by each of its names, which takes a fraction of the decoded user's memory.
type poolUsers map[string]json.RawMessage

// find returns the user of a name's key; nil if there is none.
func (u poolUsers) find(key string) (*poolUser, error) {
	text, found := u[key]
	if !found {
		return nil, nil
	}
	var user poolUser
	if err := json.Unmarshal(text, &user); err != nil {
		return nil, fmt.Errorf("decode a user of the pool: %w", err)
	}
	return &user, nil
}

// checkpoint is how far the users of a pool are read. Each is written once, and never replaced.
type checkpoint struct {
	Number int       `json:"number"` // from 1
	First  int       `json:"first"`  // the number of the first one of this look; those before are too old
	At     time.Time `json:"at"`
	// Each says that the rows' users are looked up one by one, and Next is the place of the next one. Otherwise Token is
	// that of the pool's next page.
	Each  bool   `json:"each,omitempty"`
	Next  int    `json:"next,omitempty"`
	Token string `json:"token,omitempty"`
	Done  bool   `json:"done,omitempty"`
	// Users are those found since the checkpoint before.
	Users []json.RawMessage `json:"users,omitempty"`
}

// poolUsers returns the existing users whom the rows of a drop name. It pages through the pool, or looks up each row,
// whichever takes fewer calls. A large pool takes several runs: until the last one, the error is errUnfinished.
func (p *Prepare) poolUsers(
	ctx context.Context, plan *contract.Plan, rules *usercsv.Pool, pool userpool.Pool,
) (poolUsers, error) {
	last, err := p.lastCheckpoint(ctx, plan.ImportID)
	if err != nil {
		return nil, err
	}
	if !last.Done {
		enough := time.Now().Add(p.Config.LookTime)
		names, err := p.names(ctx, plan, rules)
		if err != nil {
			return nil, err
		}
		if last.Number < last.First {
			last.Each = names.rows < plan.PoolUsers/p.Config.UsersPerPage+1 && names.rows == len(names.first)
		}
		l := &look{api: p.Cognito, config: &p.Config, pool: pool, names: names, pace: time.NewTicker(userpool.Every)}
		defer l.pace.Stop()
		for !last.Done {
			next, err := l.next(ctx, last)
			if err == nil {
				last, err = objects.WriteJSONIfAbsent(ctx, p.Work, contract.PoolUsersKey(plan.ImportID, next.Number), next)
			}
			if err != nil {
				return nil, err
			}
			if time.Now().After(enough) { // also at the end: the parts need their time, too
				return nil, errUnfinished
			}
		}
	}
	return p.found(ctx, plan.ImportID, last)
}

// lastCheckpoint returns the newest checkpoint. Where there is none, or only an old one, the look begins anew.
func (p *Prepare) lastCheckpoint(ctx context.Context, importID string) (last checkpoint, err error) {
	keys, err := p.Work.Keys(ctx, contract.PoolUsersPrefix(importID))
	if err == nil && len(keys) > 0 {
		_, err = p.Work.ReadJSON(ctx, slices.Max(keys), &last)
	}
	if time.Since(last.At) > oldest {
		last = checkpoint{Number: last.Number, First: last.Number + 1}
	}
	return last, err
}

// found reads the users of a finished look.
func (p *Prepare) found(ctx context.Context, importID string, last checkpoint) (poolUsers, error) {
	users, size := poolUsers{}, 0
	for number := last.First; number <= last.Number; number++ {
		var c checkpoint
		key := contract.PoolUsersKey(importID, number)
		if found, err := p.Work.ReadJSON(ctx, key, &c); err != nil || !found {
			return nil, errors.Join(err, fmt.Errorf("read %s: found %t", p.Work.URL(key), found))
		}
		for _, text := range c.Users {
			var user poolUser
			if err := json.Unmarshal(text, &user); err != nil {
				return nil, fmt.Errorf("decode a user of the pool: %w", err)
			}
			for _, name := range user.Names {
				users[name] = text
			}
			if size += len(text); size > maxUsersBytes {
				return nil, usercsv.Refuse(contract.TooLarge, "The file has more rows of existing users than can be compared with "+
					"the pool at once. Split it, and drop the pieces one after the other.")
			}
		}
	}
	return users, nil
}

// names returns the usernames of the rows that the rules accept, whatever their groups.
func (p *Prepare) names(ctx context.Context, plan *contract.Plan, pool *usercsv.Pool) (*roster, error) {
	scratch := *plan
	scratch.Sources, scratch.Problems = slices.Clone(plan.Sources), slices.Clone(plan.Problems)
	names := &roster{pool: pool, most: maxEach, hashes: maxFilter}
	preparer, err := p.preparer(&scratch, pool, nil, namesSink{names: names})
	if err != nil {
		return nil, err
	}
	if err := p.read(ctx, &scratch, pool, nil, nil, preparer); err != nil {
		return nil, err
	}
	slices.Sort(names.all)
	return names, nil
}

const (
	// maxEach is how many names may be looked up one by one.
	maxEach = 500_000
	// maxFilter is of how many rows the names are kept, as hashes. For a drop with more, all users of the pool are.
	maxFilter = 8 << 20
)

// namesSink keeps the usernames of a drop, and nothing else.
type namesSink struct {
	nowhere
	names *roster
}

// Existing keeps a row's username.
func (s namesSink) Existing(
	_ context.Context, _ usercsv.Place, username []byte, _, _ []string, _ usercsv.Wanted,
) (usercsv.Fate, error) {
	s.names.add(string(username))
	return usercsv.Kept, nil
}

// look is one run's look at the users of a pool.
type look struct {
	api    userpool.API
	config *Config
	pool   userpool.Pool
	names  *roster
	pace   *time.Ticker
}

// next makes the calls of one checkpoint.
func (l *look) next(ctx context.Context, last checkpoint) (checkpoint, error) {
	next := last
	next.Number, next.Users = last.Number+1, nil
	next.Done = l.names.rows == 0 || next.Each && next.Next >= len(l.names.first)
	for calls := 0; calls < l.config.CheckpointCalls && !next.Done; calls++ {
		select {
		case <-l.pace.C:
		case <-ctx.Done():
			return next, ctx.Err()
		}
		if err := l.call(ctx, &next); err != nil {
			if _, lapsed := errors.AsType[*types.InvalidParameterException](err); lapsed && last.Token != "" && calls == 0 {
				return l.next(ctx, checkpoint{Number: last.Number, First: last.Number + 1}) // so much for the token
			}
			return next, err
		}
	}
	next.At = time.Now().UTC()
	return next, nil
}

// call reads one page of the pool, or one user.
func (l *look) call(ctx context.Context, c *checkpoint) (err error) {
	query := userpool.Query{PoolID: l.pool.ID, Token: c.Token, Limit: int32(l.config.UsersPerPage)}
	if c.Each {
		query.Filter = userpool.NameFilter(l.pool, l.names.first[c.Next])
	}
	var page []*userpool.User
	c.Token, err = userpool.Page(ctx, l.api, query, func(u *userpool.User) { page = append(page, u) })
	if err != nil {
		return err
	}
	if c.Each {
		c.Token = ""
		c.Next++
		c.Done = c.Next == len(l.names.first)
	} else {
		c.Done = c.Token == ""
	}
	for _, u := range page {
		if err := l.keep(c, u); err != nil {
			return err
		}
	}
	return nil
}

// keep adds a user whom the drop names to a checkpoint.
func (l *look) keep(c *checkpoint, u *userpool.User) error {
	user := poolUser{Username: u.Username, Enabled: u.Enabled, Attributes: u.Attributes}
	for _, name := range u.Names(l.pool) {
		if len(l.names.all) < l.names.rows || l.names.has(name) {
			user.Names = append(user.Names, l.pool.Key(name))
		}
	}
	if len(user.Names) == 0 {
		return nil
	}
	text, err := json.Marshal(user)
	c.Users = append(c.Users, text)
	return err
}
