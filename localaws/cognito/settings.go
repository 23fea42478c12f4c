package cognito

import (
	"fmt"
	"slices"
	"time"

	"userdrop/localaws/wire"
)

// Settings answers what AWS does not document about import jobs, and sets the double's pace and limits. Each name is
// one unknown. Start from [Defaults], the likeliest answers, or decode JSON over it.
type Settings struct {
	// Which job may run, and how StartUserImportJob refuses a second one.
	BusyError string `json:"busyError"` // the error's code; documentation says only that one job can be active
	LockScope string `json:"lockScope"` // "account", as documented, or "pool"

	// The upload URL.
	DescribeURL     string `json:"describeUrl"`     // in other answers than Create's: "original", "resigned" or "absent"
	ReuploadAllowed bool   `json:"reuploadAllowed"` // a second PUT replaces the first; otherwise it is denied

	// The job's life.
	StartWithin    Duration `json:"startWithin"`    // how long a job is Created before it expires: 24 to 48 hours
	StopCreated    bool     `json:"stopCreated"`    // Stop takes a job that is only Created
	Stopping       Duration `json:"stopping"`       // how long a stopped job is Stopping; 0 answers Stopped at once
	Pending        Duration `json:"pending"`        // how long a started job is Pending
	UsersPerSecond float64  `json:"usersPerSecond"` // rows that a job works through
	JobsListedLate Duration `json:"jobsListedLate"` // how long ListUserImportJobs leaves out a new job

	// When a job ends as Failed because "too many users have failed or been skipped".
	FailFraction           float64 `json:"failFraction"`           // of the rows; above 1 is never
	FailMinimum            int64   `json:"failMinimum"`            // and at least so many
	FailEarly              bool    `json:"failEarly"`              // halt when it is reached; otherwise at the end
	SkippedCountAsFailures bool    `json:"skippedCountAsFailures"` // skipped rows count toward it

	// The job's log.
	LineBase          int      `json:"lineBase"`          // the line number of the first user: 2, or 1
	BlankLinesCounted bool     `json:"blankLinesCounted"` // blank lines count in line numbers
	LogDelay          Duration `json:"logDelay"`          // from a row to the visibility of its line
	LogMissing        float64  `json:"logMissing"`        // probability that a line never comes
	LogDoubled        float64  `json:"logDoubled"`        // probability that it comes twice
	NoLogGroup        bool     `json:"noLogGroup"`        // nothing is ever logged
	OddPoolNameLogged bool     `json:"oddPoolNameLogged"` // a pool name that no log group may have becomes one with "_"

	// The file.
	FewerColumnsAccepted bool   `json:"fewerColumnsAccepted"` // not every column of the header must be there
	HashColumnOptional   bool   `json:"hashColumnOptional"`   // password_hash may lack in a job without algorithm
	CRLFAccepted         bool   `json:"crlfAccepted"`         // otherwise the header is another one
	Backslash            string `json:"backslash"`            // "comma": only \, is an escape; "any": \x is x
	Quotes               string `json:"quotes"`               // a quotation mark is "data", or the row is "refused"
	DuplicateInFile      string `json:"duplicateInFile"`      // a username's second row is "skipped" or "failed"
	AliasClash           string `json:"aliasClash"`           // a verified alias of another user: "failed" or "skipped"
	BlankVerifiedFails   bool   `json:"blankVerifiedFails"`   // a blank email_verified or phone_number_verified
	BlankMFAFails        bool   `json:"blankMfaFails"`        // a blank cognito:mfa_enabled where MFA is optional

	// Password hashes.
	HashesSupported bool `json:"hashesSupported"` // the pools are eligible
	HashColumn      bool `json:"hashColumn"`      // GetCSVHeader has password_hash where no header was given

	// Users after a job, and changes to them.
	UsersListedLate   Duration `json:"usersListedLate"`   // how long ListUsers leaves out a user that a job has created
	UpdatesShareQuota bool     `json:"updatesShareQuota"` // UserUpdate and UserResourceUpdate are one quota of 25 a second
	GroupsModifyUsers bool     `json:"groupsModifyUsers"` // a change of groups is one of UserLastModifiedDate
	NoRateQuotas      bool     `json:"noRateQuotas"`      // no call is refused for its rate

	// Quotas. Simulations divide them.
	RowLimit  int64 `json:"rowLimit"`
	ByteLimit int64 `json:"byteLimit"`
	JobLimit  int   `json:"jobLimit"`

	// KeepAttributes keeps the attributes of users. Without it a pool of millions holds usernames and states alone.
	KeepAttributes bool `json:"keepAttributes"`
}

// Defaults is what documentation says, else what was seen, else what is likeliest.
func Defaults() Settings {
	return Settings{
		BusyError:              "PreconditionNotMetException",
		LockScope:              "account",
		DescribeURL:            "original",
		ReuploadAllowed:        true,
		StartWithin:            Duration(24*time.Hour + 30*time.Minute), // AWS's sample shows 24.49 hours
		StopCreated:            true,
		Pending:                Duration(2 * time.Second),
		UsersPerSecond:         35,
		FailFraction:           0.5,
		FailMinimum:            1,
		SkippedCountAsFailures: true,
		LineBase:               2,
		BlankLinesCounted:      true,
		OddPoolNameLogged:      true,
		HashColumnOptional:     true,
		Backslash:              "comma",
		Quotes:                 "data",
		DuplicateInFile:        "skipped",
		AliasClash:             "failed",
		BlankVerifiedFails:     true,
		BlankMFAFails:          true,
		HashesSupported:        true,
		HashColumn:             true,
		UpdatesShareQuota:      true,
		RowLimit:               500_000,
		ByteLimit:              100_000_000,
		JobLimit:               1_000,
		KeepAttributes:         true,
	}
}

// Random draws an answer to every unknown; pace, limits and memory stay those of Defaults.
func Random(ids *wire.IDs) Settings {
	coin := func() bool { return ids.Float64() < 0.5 }
	one := func(choices ...string) string { return choices[int(ids.Float64()*float64(len(choices)))] }
	some := func(most time.Duration) Duration { // none at all in half of the draws
		if coin() {
			return 0
		}
		return Duration(time.Duration(ids.Float64() * float64(most)).Round(time.Second))
	}
	rarely := func(most float64) float64 {
		if coin() {
			return 0
		}
		return ids.Float64() * most
	}

	s := Defaults()
	s.BusyError = one("PreconditionNotMetException", "LimitExceededException", "InvalidParameterException",
		"TooManyRequestsException")
	s.LockScope = one("account", "pool")
	s.DescribeURL = one("original", "resigned", "absent")
	s.ReuploadAllowed = coin()
	s.StopCreated = coin()
	s.Stopping = some(time.Minute)
	s.Pending = some(10 * time.Second)
	s.JobsListedLate = some(30 * time.Second)
	s.FailFraction = []float64{0, 0.1, 0.5, 0.9, 2}[int(ids.Float64()*5)]
	s.FailMinimum = []int64{1, 5, 100}[int(ids.Float64()*3)]
	s.FailEarly = coin()
	s.SkippedCountAsFailures = coin()
	s.LineBase = 1 + int(ids.Float64()*2)
	s.BlankLinesCounted = coin()
	s.LogDelay = some(2 * time.Minute)
	s.LogMissing = rarely(0.2)
	s.LogDoubled = rarely(0.2)
	s.NoLogGroup = ids.Float64() < 0.05
	s.OddPoolNameLogged = coin()
	s.FewerColumnsAccepted = coin()
	s.HashColumnOptional = coin()
	s.CRLFAccepted = coin()
	s.Backslash = one("comma", "any")
	s.Quotes = one("data", "refused")
	s.DuplicateInFile = one("skipped", "failed")
	s.AliasClash = one("failed", "skipped")
	s.BlankVerifiedFails = coin()
	s.BlankMFAFails = coin()
	s.HashesSupported = coin()
	s.HashColumn = coin()
	s.StartWithin = Duration(24*time.Hour) + some(24*time.Hour)
	s.UpdatesShareQuota = coin()
	s.GroupsModifyUsers = coin()
	s.UsersListedLate = some(2 * time.Minute)
	return s
}

// Validate names the first setting whose value is none of its answers.
func (s Settings) Validate() error {
	words := []struct {
		name, value string
		allowed     []string
	}{
		{"busyError", s.BusyError, []string{
			"PreconditionNotMetException", "LimitExceededException", "InvalidParameterException", "TooManyRequestsException",
		}},
		{"lockScope", s.LockScope, []string{"account", "pool"}},
		{"describeUrl", s.DescribeURL, []string{"original", "resigned", "absent"}},
		{"backslash", s.Backslash, []string{"comma", "any"}},
		{"quotes", s.Quotes, []string{"data", "refused"}},
		{"duplicateInFile", s.DuplicateInFile, []string{"skipped", "failed"}},
		{"aliasClash", s.AliasClash, []string{"failed", "skipped"}},
	}
	for _, w := range words {
		if !slices.Contains(w.allowed, w.value) {
			return fmt.Errorf("setting %s: %q is none of %q", w.name, w.value, w.allowed)
		}
	}
	switch {
	case s.LineBase != 1 && s.LineBase != 2:
		return fmt.Errorf("setting lineBase: %d is neither 1 nor 2", s.LineBase)
	case s.UsersPerSecond <= 0:
		return fmt.Errorf("setting usersPerSecond: %v is not above 0", s.UsersPerSecond)
	case s.RowLimit < 1 || s.ByteLimit < 1 || s.JobLimit < 1:
		return fmt.Errorf("settings rowLimit, byteLimit, jobLimit: all must be above 0")
	}
	return nil
}

// Duration is a time.Duration that reads and writes as "2s".
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes the duration as time.Duration prints it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}
