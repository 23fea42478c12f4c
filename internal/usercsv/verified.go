package usercsv

import "userdrop/internal/contract"

// truth is what is known of a Boolean.
type truth uint8

const (
	isFalse truth = iota
	isTrue
	isUnknown // the cell could not be read
)

// checkVerified fills in the marks of verification and MFA, and checks them against the row and the pool.
func (c *checker) checkVerified() {
	email := c.verified(roleEmailVerified, roleEmail, c.settings.assumesEmail())
	phone := c.verified(rolePhoneVerified, rolePhone, c.settings.assumesPhone())
	if (!c.autoEmail || email == isFalse) && (!c.autoPhone || phone == isFalse) {
		c.fault(contract.NotVerified, nil, "")
	}
	mfa := &c.cells[roleMFA]
	switch {
	case mfa.unread:
	case len(mfa.value) == 0:
		mfa.value = booleanText(c.pool.MFA == MFAOn)
	case c.pool.MFA == MFAOn && mfa.value[0] == 'f',
		c.pool.MFA != MFAOn && c.pool.MFA != MFAOptional && mfa.value[0] == 't':
		c.fault(contract.MfaMismatch, c.roles[roleMFA], "")
	}
}

// verified fills in a mark of verification of what is in another column. A blank one is false in a file that has the
// column: such a file knows.
func (c *checker) verified(mark, of role, assume bool) truth {
	if c.roles[mark] == nil {
		return isFalse
	}
	m, there := &c.cells[mark], len(c.cells[of].value) > 0 || c.cells[of].unread
	switch {
	case m.unread:
		return isUnknown
	case len(m.value) == 0:
		m.value = booleanText(assume && there && c.roles[mark].source < 0)
	}
	if m.value[0] == 'f' {
		return isFalse
	}
	if !there {
		c.fault(contract.VerifiedButBlank, c.roles[of], "")
	}
	return isTrue
}
