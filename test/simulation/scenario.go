package simulation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/wire"
)

// Scenario is what a seed decides.
type Scenario struct {
	Seed     uint64
	Pools    []*Pool
	Drops    []*Drop
	Settings cognito.Settings

	environment map[string]string // of the functions
	nightly     bool              // most drops wait for the schedule
	changes     bool              // some drops have the columns groups and enabled
	creates     bool              // groups that pools lack are created
	updates     bool              // existing users get the names of their rows
	userMap     bool              // results have a users.csv
	faults      faults
	actions     []action
	logsDown    [2]time.Duration // when Cognito can't use the role of its logs
	held        [2]time.Duration // when the queue is paused
	besieged    time.Duration    // how long a job of another stack's runs
	window      [2]time.Duration // the time of day in which jobs may start, if it is not all day
	gather      int              // seconds that files wait for others of their pool
	late        bool             // people redrive what is over after its results have expired
}

// night is when the schedule runs, in a world that begins at midnight.
const night = 2 * time.Hour

// Pool is a user pool of a scenario.
type Pool struct {
	ID       string
	Existing []string // usernames that are there before
	Hashes   bool
	email    bool // users sign in by email
	deleted  bool
}

// Drop is a file that somebody drops.
type Drop struct {
	Key  string
	Pool *Pool // nil where the key names none that is allowed
	At   time.Duration
	Rows []Row
	Text []byte
	// VersionID is known once it is dropped.
	VersionID string
	// vanished tells that the version may have been deleted for good before anybody read it.
	vanished bool
	check    bool
	refused  bool // the whole file
}

// Row is a row of a drop, and what is known of it beforehand.
type Row struct {
	Line     int
	Username string
	Kind     Kind
	Groups   []string // that the row wants
	Enabled  string   // the cell
}

// Kind says what is to become of a row.
type Kind int

// The kinds of rows.
const (
	Fresh    Kind = iota // a user whom the pool does not have
	Existing             // one whom it has
	Shared               // one whom another drop has too
	Clash                // a new username with an address that another user has
	Bad                  // rejected by the CSV rules
)

// Marker is in each cell of a scenario's files, so that a leak shows.
const Marker = "qz7xv9"

type action struct {
	at   time.Duration
	name string
	do   func(*run)
}

type draw struct{ *rand.Rand }

func (d draw) chance(p float64) bool { return d.Float64() < p }

func (d draw) between(low, high time.Duration) time.Duration {
	return low + time.Duration(d.Int64N(int64(high-low)))
}

// oddNames are names of files with every marker of the names that are made of them, and with other scripts.
var oddNames = []string{
	"users %d.csv", "new-guests-%d.csv", "a-g2-%d.csv", "x-t1790000000-g3-%d.csv", "p-p1-r5-a1-%d.csv", "-p1-%d.csv",
	"2026-01-%02d.csv", "名簿-%d.csv", "Пользователи-r%d.csv", "a+b%%20-%d.csv", "é\u0301-g-%d.csv", "%d", "-%d",
	"g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-g-%d.csv",
}

// NewScenario draws a scenario. What it can't make: a file of more than 300 rows or with a row of more than some hundred
// characters (the engine's own tests have those), a name with a control character, a source above 5 GB, several stacks
// in one account, a deployment of another release meanwhile, mappings, and faults of S3 that lose a write which it has
// confirmed.
func NewScenario(seed uint64) *Scenario {
	d := draw{rand.New(rand.NewPCG(seed, 0x5ce9a810))}
	s := &Scenario{Seed: seed, Settings: cognito.Random(wire.NewIDs(seed)), environment: map[string]string{}}
	if d.chance(0.15) {
		s.Settings = cognito.Defaults()
	}
	s.Settings.KeepAttributes = true
	if d.chance(0.05) {
		s.Settings.JobLimit = 1 + d.IntN(6)
	}
	s.environment["PART_ROWS"] = []string{"500000", "100", "40", "20"}[d.IntN(4)]
	if d.chance(0.1) { // histories that get long
		s.environment["MAX_TURNS"] = fmt.Sprint(2 + d.IntN(20))
	}
	if d.chance(0.05) { // jobs that last, and parts that may not
		s.Settings.UsersPerSecond = 0.05 + 0.5*d.Float64()
		s.environment["USERS_PER_SECOND"] = fmt.Sprint(s.Settings.UsersPerSecond)
		s.environment["MAX_IMPORT_DAYS"] = fmt.Sprint(d.between(3*time.Minute, 2*time.Hour).Hours() / 24)
	}
	s.nightly = d.chance(0.2)
	s.faults = drawFaults(d)
	for i := range 1 + d.IntN(3) {
		s.Pools = append(s.Pools, s.pool(d, i))
	}
	s.creates = draw{rand.New(rand.NewPCG(seed, 0xc4ea7e))}.chance(0.3)
	drops := 1 + d.IntN(8)
	if s.nightly {
		drops += d.IntN(12)
	}
	for i := range drops {
		drop := s.drop(d, i)
		s.changeColumns(drop)
		s.Drops = append(s.Drops, drop)
	}
	s.act(d)
	s.besiege(draw{rand.New(rand.NewPCG(seed, 0xbe51e6ed))})
	later := draw{rand.New(rand.NewPCG(seed, 0x1a7e))}
	s.late = later.chance(0.15)
	if later.chance(0.2) {
		s.gather = []int{2, 30, 60, 300}[later.IntN(4)]
	}
	after := draw{rand.New(rand.NewPCG(seed, 0xaf7e4))}
	s.updates, s.userMap = after.chance(0.2), after.chance(0.25)
	if after.chance(0.5) { // pools that take several runs, each of few calls
		s.environment["LOOK_TIME"] = []string{"1ns", "200ms", "1s"}[after.IntN(3)]
		s.environment["CHECKPOINT_CALLS"] = fmt.Sprint(1 + after.IntN(4))
		s.environment["USERS_PER_PAGE"] = fmt.Sprint(1 + after.IntN(6))
	}
	return s
}

// drawFaults draws how often which faults happen.
func drawFaults(d draw) faults {
	f := faults{
		call:    []float64{0, 0, 0.01, 0.05, 0.15}[d.IntN(5)],
		crash:   []float64{0, 0, 0.02, 0.1}[d.IntN(4)],
		sweep:   []float64{0, 0, 0.3, 0.8}[d.IntN(4)],
		refused: []float64{0, 0, 0, 0.05, 0.3}[d.IntN(5)],
		event:   []float64{0, 0, 0.3, 0.8}[d.IntN(4)],
		dropped: []float64{0, 0.3, 1}[d.IntN(3)],
		listed:  []time.Duration{0, time.Second, 20 * time.Second}[d.IntN(3)],
		stop:    []float64{0, 0.5, 1}[d.IntN(3)],
	}
	if d.chance(0.2) {
		from := d.between(0, time.Hour)
		f.storms = append(f.storms, storm{
			service: []string{"cognito-idp", "s3", "states", "logs", "events", "sns"}[d.IntN(6)],
			from:    from, to: from + d.between(time.Minute, time.Hour),
			kind: []string{throttle, fault503, reset}[d.IntN(3)],
		})
	}
	if d.chance(0.04) { // for longer than an upload URL lives
		from := d.between(0, 90*time.Minute)
		f.storms = append(f.storms, storm{
			service: "lambda " + []string{"copy-to-import-job", "start-import-job"}[d.IntN(2)],
			from:    from, to: from + d.between(16*time.Minute, time.Hour), kind: throttle,
		})
	}
	if d.chance(0.15) {
		for range 1 + d.IntN(3) {
			f.strikes = append(f.strikes, struck(d))
		}
	}
	return f
}

func (s *Scenario) pool(d draw, i int) *Pool {
	p := &Pool{
		ID: fmt.Sprintf("us-east-1_Pool%d", i), Hashes: s.Settings.HashColumn && d.chance(0.4), email: d.chance(0.3),
	}
	for n := range d.IntN(20) {
		p.Existing = append(p.Existing, fmt.Sprintf("%sold%d-%d@example.com", Marker, i, n))
	}
	return p
}

// describe is the pool as describe-user-pool prints it.
func (p *Pool) describe() []byte {
	attribute := func(name string) map[string]any {
		return map[string]any{
			"Name": name, "AttributeDataType": "String", "Mutable": true,
			"StringAttributeConstraints": map[string]string{"MinLength": "0", "MaxLength": "2048"},
		}
	}
	pool := map[string]any{
		"Id": p.ID, "Name": strings.ToLower(p.ID), "MfaConfiguration": "OFF", "AutoVerifiedAttributes": []string{"email"},
		"UsernameConfiguration": map[string]bool{"CaseSensitive": false},
		"SchemaAttributes": []any{attribute("sub"), attribute("email"), attribute("name"), map[string]any{
			"Name": "email_verified", "AttributeDataType": "Boolean", "Mutable": true,
		}},
	}
	if p.email {
		pool["UsernameAttributes"] = []string{"email"}
	}
	text, err := json.Marshal(map[string]any{"UserPool": pool})
	if err != nil {
		panic(err) // strings only
	}
	return text
}

func (s *Scenario) drop(d draw, i int) *Drop {
	p := s.Pools[d.IntN(len(s.Pools))]
	drop := &Drop{Pool: p, At: d.between(0, 90*time.Minute)}
	name := fmt.Sprintf(oddNames[draw{rand.New(rand.NewPCG(s.Seed, uint64(i)))}.IntN(len(oddNames))], i)
	switch {
	case s.nightly && d.chance(0.8):
		drop.Key = "scheduled/" + p.ID + "/" + name
		if d.chance(0.3) { // while the sweep is at work, or a day later
			drop.At = night + d.between(-time.Second, 2*time.Second)
		}
	case d.chance(0.08):
		drop.Key, drop.check = "check/"+p.ID+"/"+name, true
	case d.chance(0.12):
		drop.Key = "scheduled/" + p.ID + "/" + name
	case d.chance(0.04):
		drop.Key, drop.Pool, drop.refused = "incoming/us-east-1_Nobody/"+name, nil, true
	default:
		drop.Key = "incoming/" + p.ID + "/" + name
	}
	rows := 1 + d.IntN(60)
	if d.chance(0.2) && !s.nightly {
		rows = 1 + d.IntN(300)
	}
	bad, old := []float64{0, 0.1, 0.5, 1}[d.IntN(4)], []float64{0, 0.2, 0.9, 1}[d.IntN(4)]
	hashes := p.Hashes && d.chance(0.7)
	var text bytes.Buffer
	text.WriteString("cognito:username,email,email_verified,name")
	if hashes {
		text.WriteString(",password_hash")
	}
	if d.chance(0.04) {
		text.WriteString("," + Marker + "column")
		drop.refused = true
	}
	text.WriteByte('\n')
	columns := strings.Count(text.String(), ",")
	for n := range rows {
		row, cells := p.row(d, i, n, bad, old)
		fmt.Fprintf(&text, "%s,%s,%s,\"%s, %d\"", row.Username, cells.email, cells.verified, Marker, n)
		for range columns - 3 {
			text.WriteByte(',')
		}
		if hashes && row.Kind != Bad && columns == 4 && d.chance(0.5) {
			text.WriteString("$2b$10$" + strings.Repeat("abcdefghij", 5) + "abc")
		}
		text.WriteString(cells.extra + "\n")
		drop.Rows = append(drop.Rows, row)
	}
	drop.Text = text.Bytes()
	return drop
}

// cells are those of a row that vary; extra is what follows the last one.
type cells struct{ email, verified, extra string }

// row draws row n of drop i; bad and old are the shares of rows that the rules reject and whose users exist.
func (p *Pool) row(d draw, i, n int, bad, old float64) (Row, cells) {
	row := Row{Line: n + 2, Username: fmt.Sprintf("%s%d-%d@example.com", Marker, i, n)}
	c := cells{row.Username, "true", ""}
	switch {
	case d.chance(bad):
		row.Kind = Bad
		switch d.IntN(4) {
		case 0:
			c.email = Marker + " is no address"
		case 1:
			c.verified = "false"
		case 2:
			c.extra = ",," + Marker
		case 3:
			c.verified = Marker
		}
	case len(p.Existing) > 0 && d.chance(old):
		at := (n + i) % len(p.Existing)
		if n < len(p.Existing) {
			row.Username, row.Kind = p.Existing[at], Existing
			c.email = row.Username
		}
	case d.chance(0.05):
		row.Username, row.Kind = fmt.Sprintf("%sshared-%d@example.com", Marker, n), Shared
		c.email = row.Username
	case !p.email && d.chance(0.03) && len(p.Existing) > 0:
		row.Kind, c.email = Clash, p.Existing[0]
	}
	return row, c
}

// parameters are those of the stack.
func (s *Scenario) parameters() map[string]string {
	var arns []string
	for _, p := range s.Pools {
		arns = append(arns, "arn:aws:cognito-idp:us-east-1:123456789012:userpool/"+p.ID)
	}
	parameters := map[string]string{"UserPoolArns": strings.Join(arns, ",")}
	if s.gather > 0 {
		parameters["GatherSeconds"] = fmt.Sprint(s.gather)
	}
	if s.changes {
		parameters["ApplyGroups"] = "true"
	}
	if s.creates {
		parameters["CreateGroups"] = "true"
	}
	if s.updates {
		parameters["Existing"] = "update"
	}
	if s.userMap {
		parameters["UserMap"] = "true"
	}
	return parameters
}

func (s *Scenario) pools() []localaws.Pool {
	var pools []localaws.Pool
	for _, p := range s.Pools {
		pools = append(pools, localaws.Pool{Description: p.describe()})
	}
	if s.besieged > 0 {
		pools = append(pools, localaws.Pool{Description: (&Pool{ID: elsewhere}).describe()})
	}
	return pools
}
