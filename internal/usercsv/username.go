package usercsv

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv/dialect"
)

const maxUsername = 128 // characters of a username (API model, UsernameType)

// usernameFault returns why a text cannot be a username of the pool, or "" if it can.
func (c *checker) usernameFault(name []byte, found class) string {
	if c.first[name[0]]&firstOfNull != 0 && isNullWord(name) {
		return "It means that there is no value."
	}
	if found&(classWide|classControl) != 0 || bytes.IndexByte(name, ' ') >= 0 {
		for i := 0; i < len(name); {
			r, n := utf8.DecodeRune(name[i:])
			if unicode.IsSpace(r) || !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P) {
				return notAllowed(r)
			}
			i += n
		}
	}
	switch at := bytes.IndexByte(name, '@'); {
	case len(name) > maxUsername && utf8.RuneCount(name) > maxUsername:
		return fmt.Sprintf("It has over %d characters.", maxUsername)
	case c.aliasEmail && at > 0 && at < len(name)-1:
		return "It looks like an email address, which is an alias in this pool."
	case c.aliasPhone && name[0] == '+' && isDigits(name[1:]):
		return "It looks like a phone number, which is an alias in this pool."
	}
	return ""
}

// checkUsername takes a blank username from the address or number that the pool's users sign in with, and hashes what
// usernames are compared by.
func (c *checker) checkUsername() {
	username := &c.cells[roleUsername]
	if len(username.value) == 0 && !username.unread {
		c.deriveUsername(username)
	} else if len(c.usernameFrom) > 0 && !username.unread && !c.signsIn(username.value) {
		*username = c.unreadable(contract.BadUsername, c.roles[roleUsername],
			"In this pool the username is the row's "+c.signInNames()+". Leave it blank or make it the same.")
	}
	if name := username.value; len(name) > 0 {
		c.key = dialect.AppendNameKey(c.key[:0], name, c.pool.CaseSensitive)
		c.hash = c.seen.hash(c.key)
	}
}

func (c *checker) deriveUsername(username *cell) {
	for _, r := range c.usernameFrom {
		from := c.cells[r]
		if from.unread {
			username.unread = true
			return // whether there is a username is not known
		}
		if len(from.value) == 0 {
			continue
		}
		c.derivedFrom = r
		*username = from
		if fault := c.usernameFault(from.value, classify(from.value)); fault != "" {
			*username = c.unreadable(contract.BadUsername, c.roles[roleUsername], "As the username: "+fault)
		}
		return
	}
	c.fault(contract.MissingUsername, c.roles[roleUsername], "")
}

// signsIn reports whether a username is what the row has in an attribute that the pool's users sign in with, as far as
// that can be read.
func (c *checker) signsIn(name []byte) bool {
	key := dialect.NameKey(string(name), c.pool.CaseSensitive)
	for _, r := range c.usernameFrom {
		if from := c.cells[r]; from.unread || dialect.NameKey(string(from.value), c.pool.CaseSensitive) == key {
			return true
		}
	}
	return false
}

// signInNames names the attributes that the pool's users sign in with.
func (c *checker) signInNames() string {
	var names []string
	for _, r := range c.usernameFrom {
		names = append(names, c.roles[r].name)
	}
	return strings.Join(names, " or ")
}
