package convert

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/mapping"
	"userdrop/internal/phonenumber"
	"userdrop/internal/usercsv"
)

var update = flag.Bool("update", false, "write the golden results of the built-in mappings")

// pools are those that the samples are converted for: sign-in by address, and usernames with the address as an alias.
func pools() map[string]*usercsv.Pool {
	pool := func() *usercsv.Pool {
		return &usercsv.Pool{
			ID: "us-east-1_Example", AutoVerified: []string{"email"},
			Attributes: []usercsv.Attribute{{Name: "email", Type: usercsv.String, Required: true}},
		}
	}
	email, alias := pool(), pool()
	email.UsernameAttributes = []string{"email"}
	alias.AliasAttributes = []string{"email"}
	return map[string]*usercsv.Pool{"email": email, "alias": alias}
}

// settings are those of a conversion on the day of the samples.
var settings = usercsv.Settings{
	PhoneNumbers: phonenumber.New(), Began: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC),
}

// TestBuiltinMappings converts the samples beside the built-in mappings and compares what comes of them with the golden
// results there. `go test ./internal/convert -run Builtin -update` writes them anew.
func TestBuiltinMappings(t *testing.T) {
	for _, name := range mapping.BuiltinNames() {
		m, _ := mapping.Builtin(name)
		folder := filepath.Join("../mapping/builtin", name)
		exports, err := filepath.Glob(filepath.Join(folder, "export.*"))
		if err != nil || len(exports) == 0 {
			t.Errorf("%s has no sample export", name)
		}
		for _, export := range exports {
			kind := strings.TrimPrefix(filepath.Ext(export), ".")
			for pool := range pools() {
				t.Run(name+"/"+kind+"/"+pool, func(t *testing.T) {
					golden(t, m, export, filepath.Join(folder, "golden", kind+"-"+pool), pool)
				})
			}
		}
	}
}

// golden converts one export and compares converted.csv, excluded.csv and account.json with a folder.
func golden(t *testing.T, m *mapping.Mapping, export, folder, pool string) {
	job := Job{
		Export: export, Name: filepath.Base(export), Mapping: m, Pool: pools()[pool], Out: t.TempDir(), Settings: settings,
	}
	passwords := filepath.Join(filepath.Dir(export), "passwords"+filepath.Ext(export))
	if _, err := os.Stat(passwords); err == nil {
		job.Passwords = passwords
	}
	account, err := job.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if name := filepath.Base(filepath.Dir(export)); account.Refused != (name == "google-workspace" && pool == "alias") {
		t.Fatalf("refused: %v", account.Problems)
	}
	if *update {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{convertedName, excludedName, failedName, accountName} {
		got, err := os.ReadFile(filepath.Join(job.Out, file))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(got), job.Out+string(filepath.Separator), "")
		text = strings.ReplaceAll(text, m.SHA256(), "the mapping's")
		path := filepath.Join(folder, file)
		if *update && text != "" {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}
