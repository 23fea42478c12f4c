// Package convert turns an export of another product into a CSV file that is ready to drop, with an account of what
// became of every column, row and password hash. It reads and writes local files alone.
package convert

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"userdrop/internal/contract"
	"userdrop/internal/mapping"
	"userdrop/internal/usercsv"
)

// Schema names the format of account.json.
const Schema = "userdrop.account/v1"

// The files that a conversion writes.
const (
	convertedName = "converted.csv"
	excludedName  = "excluded.csv"
	failedName    = "failed.csv"
	accountName   = "account.json"
	temporaryName = ".converted.tmp"
)

// Job is one conversion.
type Job struct {
	Export    string // the file
	Name      string // its name for people
	Passwords string // a second file, empty if there is none
	Mapping   *mapping.Mapping
	Pool      *usercsv.Pool
	Settings  usercsv.Settings
	Out       string // the directory for what is written
}

// Account is the content of account.json.
type Account struct {
	Schema   string                  `json:"schema"`
	Export   string                  `json:"export"`
	Pool     string                  `json:"userPoolId"`
	Rows     Rows                    `json:"rows"`
	Excluded []contract.ExcludedRows `json:"excluded"`
	*mapping.Account
	// UsernamesFromID counts rows with the product's id as the username, in a pool without another way to sign in.
	UsernamesFromID int                `json:"usernamesFromId,omitempty"`
	Problems        []contract.Problem `json:"problems"`
	Notes           []contract.Note    `json:"notes"`
	Files           Files              `json:"files"`
	// Refused says that the export was refused as a whole; the problems say why.
	Refused bool `json:"refused"`
}

// Rows counts records. Always read = excluded + rejected + passing.
type Rows struct {
	Read     int `json:"read"`
	Excluded int `json:"excluded"`
	Rejected int `json:"rejected"` // by the rules; they are in converted.csv as well, unless the mapping failed for them
	Passing  int `json:"passing"`
}

// Files names what was written.
type Files struct {
	Converted string `json:"converted,omitempty"`
	Excluded  string `json:"excluded,omitempty"`
	Failed    string `json:"failed,omitempty"` // rows that are not in converted.csv, since they cannot be read
	Account   string `json:"account,omitempty"`
}

// Run converts an export. A refused export is no error: the account says so.
func (j Job) Run(ctx context.Context) (*Account, error) {
	if j.Passwords != "" && j.Mapping.Join == nil {
		return nil, fmt.Errorf("the mapping %s takes no second file: leave out --passwords", j.Mapping.Name)
	}
	if err := j.prepare(); err != nil {
		return nil, err
	}
	// groups and enabled are converted too: whether they are applied is decided where the file is dropped.
	pool := *j.Pool
	pool.ApplyGroups = j.Mapping.Changes()
	j.Pool = &pool
	account := &Account{
		Schema: Schema, Export: j.Name, Pool: j.Pool.ID, Account: &mapping.Account{Columns: []contract.MappedColumn{}},
		Problems: []contract.Problem{}, Notes: []contract.Note{}, Excluded: []contract.ExcludedRows{},
		Files: Files{Account: j.path(accountName)},
	}
	err := j.convert(ctx, account)
	if refusal, ok := errors.AsType[*usercsv.Refusal](err); ok {
		account.Refused, account.Problems, account.Rows = true, refusal.Problems, Rows{}
		account.Files = Files{Account: j.path(accountName)}
		err = j.clean(convertedName, excludedName, failedName)
	}
	err = errors.Join(err, j.clean(temporaryName))
	if err != nil {
		return nil, errors.Join(err, j.clean(convertedName, excludedName, failedName))
	}
	text, err := json.MarshalIndent(account, "", "  ")
	if err != nil {
		return nil, err
	}
	return account, os.WriteFile(j.path(accountName), append(text, '\n'), 0o600)
}

func (j Job) path(name string) string { return filepath.Join(j.Out, name) }

// prepare makes the directory and removes what an earlier run left there.
func (j Job) prepare() error {
	if err := os.MkdirAll(j.Out, 0o700); err != nil {
		return err
	}
	written := []string{convertedName, excludedName, failedName, accountName, temporaryName}
	for _, source := range []string{j.Export, j.Passwords} {
		from, err := os.Stat(source)
		if source == "" || err != nil {
			continue
		}
		for _, name := range written {
			if info, err := os.Stat(j.path(name)); err == nil && os.SameFile(info, from) {
				return fmt.Errorf("%s would be overwritten: choose another directory for --out", source)
			}
		}
	}
	return j.clean(written...)
}

func (j Job) clean(names ...string) error {
	for _, name := range names {
		if err := os.Remove(j.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// convert writes all files but the account.
func (j Job) convert(ctx context.Context, account *Account) error {
	engine, err := j.engine()
	if err != nil {
		return err
	}
	settings := j.Mapping.Rules(j.Settings)
	settings.Mapping = engine
	sink := &sink{job: j, usernameAlone: len(j.Pool.UsernameAttributes) == 0 && len(j.Pool.AliasAttributes) == 0}
	defer sink.discard()
	p, err := usercsv.NewPreparer(j.Pool, settings, sink)
	if err != nil {
		return err
	}
	err = j.read(ctx, engine, p)
	account.Account = engine.Account()
	if err != nil {
		return err
	}
	summary, err := p.Close()
	if err != nil {
		return err
	}
	if account.Files, err = sink.finish(); err != nil {
		return err
	}
	account.Files.Account, account.UsernamesFromID = j.path(accountName), sink.fromID
	account.Rows = Rows{
		Read: summary.Read, Excluded: summary.Excluded, Rejected: summary.Rejected,
		Passing: summary.Read - summary.Excluded - summary.Rejected,
	}
	account.Problems = append(account.Problems, summary.Problems...)
	account.Notes = append(account.Notes, summary.Notes...)
	account.Excluded = append(account.Excluded, account.Account.Excluded()...)
	return nil
}

// engine makes the engine and reads the second file.
func (j Job) engine() (*mapping.Engine, error) {
	engine, err := mapping.New(j.Mapping, mapping.TargetOf(j.Pool, j.Settings))
	if invalid, ok := errors.AsType[*mapping.Invalid](err); ok {
		return nil, invalid.Refusal()
	}
	if err != nil || j.Passwords == "" {
		return engine, err
	}
	names, isJSON, err := survey(j.Passwords, &mapping.Mapping{})
	if err != nil {
		return nil, inSecondFile(err)
	}
	err = withText(j.Passwords, func(r io.Reader) error {
		if isJSON {
			return engine.JoinRecords(r, names)
		}
		return engine.JoinCSV(r)
	})
	return engine, inSecondFile(err)
}

// inSecondFile makes a refusal say which file it is about.
func inSecondFile(err error) error {
	if refusal, ok := errors.AsType[*usercsv.Refusal](err); ok {
		for i := range refusal.Problems {
			refusal.Problems[i].Message = "The second file (--passwords): " + refusal.Problems[i].Message
		}
	}
	if invalid, ok := errors.AsType[*mapping.Invalid](err); ok {
		return invalid.Refusal()
	}
	return err
}

// read reads the export.
func (j Job) read(ctx context.Context, engine *mapping.Engine, p *usercsv.Preparer) error {
	names, isJSON, err := survey(j.Export, j.Mapping)
	if err != nil {
		return err
	}
	return withText(j.Export, func(r io.Reader) error {
		if !isJSON {
			_, err := p.Add(ctx, r)
			return err
		}
		export, err := engine.OpenRecords(r, names)
		if err != nil {
			return err
		}
		_, err = p.AddRecords(ctx, export)
		return err
	})
}

// survey reports whether a file is JSON, and returns the names of its records' members if it is.
func survey(name string, m *mapping.Mapping) (names []string, isJSON bool, err error) {
	err = withText(name, func(r io.Reader) error {
		text := bufio.NewReader(r)
		if isJSON = beginsAsJSON(text); !isJSON {
			return nil
		}
		var err error
		if names, err = mapping.Names(mapping.NewRecords(text, m)); err == nil && len(names) == 0 {
			err = usercsv.Refuse(contract.NoRows, "The file holds no records, or none that can be read.")
		}
		return err
	})
	return names, isJSON, err
}

// beginsAsJSON reports whether the first character that is no white space opens a JSON object or array.
func beginsAsJSON(r *bufio.Reader) bool {
	for n := 1; ; n++ {
		text, err := r.Peek(n)
		if err != nil {
			return false
		}
		switch text[n-1] {
		case ' ', '\t', '\r', '\n':
		case '{', '[':
			return true
		default:
			return false
		}
	}
}

// withText opens a file as UTF-8. CSV is decoded by its reader.
func withText(name string, read func(io.Reader) error) (err error) {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, file.Close()) }()
	text, err := usercsv.Text(file)
	if err != nil {
		return err
	}
	return read(text)
}
