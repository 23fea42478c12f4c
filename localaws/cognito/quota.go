package cognito

import (
	"time"

	"userdrop/localaws/wire"
)

// category is a group of operations that share a request rate: all pools of the account together.
// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
type category string

const (
	userUpdate         category = "UserUpdate"
	userResourceUpdate category = "UserResourceUpdate"
	userList           category = "UserList"
)

const (
	updatesPerSecond = 25
	listsPerSecond   = 30
	writesPerUser    = 10 // a second
)

// recent counts the calls of the last second.
type recent struct{ at []time.Time }

// add counts a call now, or reports that it is one too many.
func (r *recent) add(now time.Time, most int) bool {
	from := 0
	for from < len(r.at) && !r.at[from].After(now.Add(-time.Second)) {
		from++
	}
	r.at = r.at[from:]
	if len(r.at) >= most {
		return false
	}
	r.at = append(r.at, now)
	return true
}

// admit counts a call in its category, and a write of a user in the user's own quota. The caller holds the lock.
func (s *Service) admit(c category, u *user) error {
	if s.settings.NoRateQuotas {
		return nil
	}
	most := updatesPerSecond
	if c == userList {
		most = listsPerSecond
	} else if s.settings.UpdatesShareQuota {
		c = userUpdate
	}
	if s.rates[c] == nil {
		s.rates[c] = &recent{}
	}
	now := time.Now()
	if !s.rates[c].add(now, most) {
		return errTooMany()
	}
	if u == nil {
		return nil
	}
	if len(s.writes) > 1000 { // forget users whose last write is over a second ago
		for key, r := range s.writes {
			if r.at[len(r.at)-1].Before(now.Add(-time.Second)) {
				delete(s.writes, key)
			}
		}
	}
	if s.writes[u] == nil {
		s.writes[u] = &recent{}
	}
	if !s.writes[u].add(now, writesPerUser) {
		return errTooMany()
	}
	return nil
}

func errTooMany() error { return wire.Errorf("TooManyRequestsException", "Too many requests") }
