package cognito

import (
	"fmt"
	"iter"
	"maps"
	"strconv"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

// User statuses.
const (
	statusConfirmed     = "CONFIRMED"
	statusResetRequired = "RESET_REQUIRED"
	statusForceChange   = "FORCE_CHANGE_PASSWORD"
)

// User is a user as the double shows it in process.
type User struct {
	// Name is the username that the user was created with. Where users sign in with an email address or a phone
	// number (UsernameAttributes), that is the address or number, and Username is the sub, as at AWS.
	Name       string
	Username   string
	Sub        string
	Status     string
	Enabled    bool
	Created    time.Time
	Modified   time.Time
	Groups     []string          // in the order of their names
	Attributes map[string]string // without sub; empty without Settings.KeepAttributes
}

// user is kept small, since there may be millions. The sub follows from its place in the directory.
type user struct {
	name       string
	attributes string // packed: name NUL value NUL, and so on
	created    int64  // milliseconds since 1970
	modified   int64  // the same; 0 is never
	status     string
	job        *job // that imported it
	deleted    bool
	disabled   bool
}

// directory holds a pool's users in the order in which they came.
type directory struct {
	users   []user
	byName  map[string]int32
	byAlias map[string]int32 // by attribute, "=" and value
	salt    uint64

	sensitive bool
	subNames  bool // usernames on the wire are subs
}

func newDirectory(p *pool, ids *wire.IDs) directory {
	salt, err := strconv.ParseUint(ids.Draw("0123456789abcdef", 16), 16, 64)
	if err != nil {
		panic(err) // sixteen hexadecimal digits
	}
	return directory{
		byName: map[string]int32{}, byAlias: map[string]int32{}, salt: salt,
		sensitive: p.caseSensitive(), subNames: len(p.UsernameAttributes) > 0,
	}
}

// fold is what usernames and aliases are compared by.
func (d *directory) fold(name string) string {
	if d.sensitive {
		return name
	}
	return strings.ToLower(name)
}

func (d *directory) find(name string) (*user, bool) {
	i, ok := d.byName[d.fold(name)]
	if !ok {
		return nil, false
	}
	return &d.users[i], true
}

// taken reports whether a user owns a verified value of a sign-in attribute.
func (d *directory) taken(attribute, value string) bool {
	_, taken := d.byAlias[attribute+"="+d.fold(value)]
	return taken
}

func (d *directory) add(u user, aliases ...string) int {
	i := len(d.users)
	d.users = append(d.users, u)
	d.byName[d.fold(u.name)] = int32(i)
	for _, a := range aliases {
		d.byAlias[d.fold(a)] = int32(i)
	}
	return i
}

func (d *directory) remove(i int) {
	u := &d.users[i]
	delete(d.byName, d.fold(u.name))
	for name, value := range u.each() {
		if key := d.fold(name + "=" + value); d.byAlias[key] == int32(i) {
			delete(d.byAlias, key)
		}
	}
	*u = user{deleted: true}
}

// lookup finds a user as the Admin operations do: by username, by sub where that is the username, or by alias.
func (d *directory) lookup(name string) (int, bool) {
	if i, ok := d.byName[d.fold(name)]; ok {
		return int(i), true
	}
	for _, attribute := range []string{"email", "phone_number", "preferred_username"} {
		if i, ok := d.byAlias[attribute+"="+d.fold(name)]; ok {
			return int(i), true
		}
	}
	if !d.subNames || len(name) != len("00000000-0000-4000-8000-000000000000") {
		return 0, false
	}
	for i := range d.users {
		if !d.users[i].deleted && d.sub(i) == name {
			return i, true
		}
	}
	return 0, false
}

// sub makes a version 4 UUID of the pool's salt and the user's place.
func (d *directory) sub(i int) string {
	high, low := mix(d.salt+2*uint64(i)), mix(d.salt+2*uint64(i)+1)
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x",
		high>>32, high>>16&0xffff, high&0xfff, low>>48&0x3fff|0x8000, low&0xffff_ffff_ffff)
}

// mix is the finaliser of SplitMix64: neighbouring numbers become unrelated ones.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (d *directory) show(i int) User {
	u := &d.users[i]
	shown := User{
		Name: u.name, Username: u.name, Sub: d.sub(i), Status: u.status, Created: time.UnixMilli(u.created),
		Enabled: !u.disabled, Modified: time.UnixMilli(max(u.created, u.modified)), Attributes: map[string]string{},
	}
	if d.subNames {
		shown.Username = shown.Sub
	}
	maps.Insert(shown.Attributes, u.each())
	return shown
}

// pack joins pairs of names and values into one string.
func pack(pairs []string) string {
	if len(pairs) == 0 {
		return ""
	}
	return strings.Join(pairs, "\x00") + "\x00"
}

func (u *user) each() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for rest := u.attributes; rest != ""; {
			var name, value string
			name, rest, _ = strings.Cut(rest, "\x00")
			value, rest, _ = strings.Cut(rest, "\x00")
			if !yield(name, value) {
				return
			}
		}
	}
}

// attribute returns the value of an attribute, empty if the user has none.
func (u *user) attribute(wanted string) string {
	for name, value := range u.each() {
		if name == wanted {
			return value
		}
	}
	return ""
}

// Users returns a pool's users in the order in which they came.
func (s *Service) Users(poolID string) []User {
	defer s.lock()()
	p := s.pools[poolID]
	if p == nil {
		return nil
	}
	users := make([]User, 0, len(p.byName))
	for i := range p.users {
		if !p.users[i].deleted {
			u := p.show(i)
			u.Groups = p.groupsOf(i)
			users = append(users, u)
		}
	}
	return users
}

// UserCount returns how many users a pool has.
func (s *Service) UserCount(poolID string) int {
	defer s.lock()()
	if p := s.pools[poolID]; p != nil {
		return len(p.byName)
	}
	return 0
}
