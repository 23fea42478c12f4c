package prepareimport

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"userdrop/internal/aws/userpool"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// Existing is what becomes of rows whose users exist.
type Existing string

// The values of the parameter Existing and of a manifest's member existing.
const (
	ExistingSkip   Existing = "skip"   // Cognito's job skips them
	ExistingFail   Existing = "fail"   // they are rejected
	ExistingUpdate Existing = "update" // what differs is changed, and they go into no job
)

// UnmarshalText refuses any other value.
func (e *Existing) UnmarshalText(text []byte) error {
	*e = Existing(text)
	if !slices.Contains([]Existing{ExistingSkip, ExistingFail, ExistingUpdate}, *e) {
		return fmt.Errorf("existing is %q, not skip, fail or update", text)
	}
	return nil
}

// Allows reports whether a stack with this parameter takes a drop whose manifest asks for that.
func (e Existing) Allows(asked Existing) bool {
	return asked == ExistingSkip || asked == e || e == ExistingUpdate
}

// existingMode returns what becomes of the rows of existing users of a drop: the stack's way, or that of the manifest.
func (p *Prepare) existingMode(ctx context.Context, plan *contract.Plan) (Existing, error) {
	if len(plan.Sources) != 1 {
		return p.Config.Existing, nil
	}
	manifest, err := p.sidecar(ctx, &plan.Sources[0])
	if err != nil || manifest == nil || manifest.Existing == nil {
		return p.Config.Existing, err
	}
	mode := *manifest.Existing
	if !p.Config.Existing.Allows(mode) {
		return mode, usercsv.Refuse(contract.ManifestMismatch, fmt.Sprintf(
			"The manifest asks for \"existing\": %q, which this stack does not allow: its parameter Existing is %s. Drop the file "+
				"without it, or deploy the stack with Existing=%s.", mode, p.Config.Existing, mode))
	}
	return mode, nil
}

// existingSink is a sink that knows which users exist.
type existingSink struct {
	*sink
	pool      userpool.Pool
	mode      Existing
	users     poolUsers
	immutable map[string]bool
}

// existingSink returns the sink of a drop: one that knows which users exist, where that matters.
func (p *Prepare) existingSink(
	ctx context.Context, plan *contract.Plan, pool *usercsv.Pool, sink *sink,
) (usercsv.Sink, error) {
	mode, err := p.existingMode(ctx, plan)
	if err != nil || mode == ExistingSkip {
		return sink, err
	}
	s := &existingSink{
		sink: sink, mode: mode, immutable: map[string]bool{"sub": true},
		pool: userpool.Pool{ID: pool.ID, UsernameAttributes: pool.UsernameAttributes, CaseSensitive: pool.CaseSensitive},
	}
	for _, a := range pool.Attributes {
		s.immutable[a.Name] = s.immutable[a.Name] || a.Immutable
	}
	s.users, err = p.poolUsers(ctx, plan, pool, s.pool)
	return s, err
}

// closeUpdates ends what existing users get changed, and adds up what rows want.
func (s *sink) closeUpdates(plan *contract.Plan) (err error) {
	for source, rows := range s.kept {
		plan.Sources[source].Kept = rows
	}
	if s.wanted != (contract.Changes{}) {
		plan.Wanted, plan.Unchanged = &s.wanted, &s.unchanged
		plan.TimeoutSeconds = s.timeout
	}
	if lines := s.changes[0]; lines != nil {
		if plan.Updates, err = lines.Close(); err != nil {
			return err
		}
	}
	if s.accepted != nil {
		plan.Users, err = s.accepted.Close()
	}
	return err
}

// Accepts reports whether the stack maps users.
func (s *sink) Accepts() bool { return s.accepted != nil }

// Accept keeps a row for users.csv.
func (s *sink) Accept(ctx context.Context, place usercsv.Place, username, id []byte, kept bool) error {
	return s.accepted.Encode(ctx, contract.AcceptedRow{
		Place:    contract.Place{Source: place.Source, Line: place.Line},
		Username: string(username), ID: string(id), Kept: kept,
	})
}

// keep counts a row that goes into no part.
func (s *sink) keep(source int) {
	if s.kept == nil {
		s.kept = map[int]int{}
	}
	s.kept[source]++
}

// Existing decides what becomes of a row by whether its user exists.
func (s *existingSink) Existing(
	ctx context.Context, place usercsv.Place, username []byte, columns, values []string, wanted usercsv.Wanted,
) (usercsv.Fate, error) {
	user, err := s.users.find(s.pool.Key(string(username)))
	switch {
	case err != nil || user == nil:
		return usercsv.Submitted, err
	case s.mode == ExistingFail:
		return usercsv.Exists, nil
	}
	s.keep(place.Source)
	change := contract.Change{
		Place:    contract.Place{Source: place.Source, Line: place.Line},
		Username: user.Username, Groups: wanted.Groups, Existed: true,
	}
	if wanted.Enabled != nil {
		s.wanted.State.Wanted++
		if *wanted.Enabled == user.Enabled {
			s.unchanged.State.Wanted++
			s.unchanged.State.Unchanged++
		} else {
			change.Enabled = wanted.Enabled
		}
	}
	s.wanted.Groups.Wanted += int64(len(wanted.Groups))
	row := make(map[string]string, len(columns))
	for i, name := range columns {
		row[name] = values[i]
	}
	change.Attributes, change.Refused = s.differences(user.Attributes, row)
	if len(change.Attributes) > 0 {
		s.wanted.Attributes.Wanted++
	}
	if change.Refused != "" {
		s.wanted.Attributes.Wanted++
	}
	if len(change.Attributes) == 0 && change.Refused == "" && len(change.Groups) == 0 && change.Enabled == nil || s.dry {
		return usercsv.Kept, nil
	}
	return usercsv.Kept, s.encode(ctx, 0, change)
}

// differences returns the attributes of a row that an existing user has otherwise, and why an address is not changed. A
// blank cell changes nothing, and neither do immutable attributes.
func (s *existingSink) differences(has, row map[string]string) (changes map[string]string, refused string) {
	changes = map[string]string{}
	for name, value := range row {
		switch {
		case value == "", s.immutable[name], name == "password_hash", strings.HasPrefix(name, "cognito:"),
			name == "email", name == "phone_number", strings.HasSuffix(name, "_verified"):
		case name == "birthdate":
			if iso := value[6:] + "-" + value[:2] + "-" + value[3:5]; has[name] != iso && has[name] != value {
				changes[name] = iso // the API has another form than Cognito's files
			}
		case has[name] != value:
			changes[name] = value
		}
	}
	for _, name := range []string{"email", "phone_number"} {
		flag := name + "_verified"
		switch value, verified := row[name], row[flag] == "true"; {
		case value == "" || s.immutable[name]:
		case value == has[name]:
			if verified && has[flag] != "true" {
				changes[name], changes[flag] = value, "true"
			}
		case verified:
			changes[name], changes[flag] = value, "true"
		default:
			refused = "The user has another " + name + ", and the row does not say that the new one is verified: Cognito " +
				"would send a code and leave it unverified. Set " + flag + ", or take the address out of the row."
		}
	}
	return changes, refused
}
