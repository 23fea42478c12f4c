package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"userdrop/internal/contract"
	"userdrop/internal/mapping"
	"userdrop/internal/steps/prepareimport"
	"userdrop/internal/usercsv"
)

// defineMapping adds --mapping to a command.
func defineMapping(cmd *cobra.Command, value *string) {
	cmd.Flags().StringVar(value, "mapping", "", "map another product's export: the `NAME|FILE` of the mapping")
	names := cobra.FixedCompletions(mapping.BuiltinNames(), cobra.ShellCompDirectiveDefault)
	if err := cmd.RegisterFlagCompletionFunc("mapping", names); err != nil {
		panic(err) // the flag is defined above
	}
}

// findMapping returns the mapping of a name or a file, and its text. A name without a dot or a slash is that of a
// built-in mapping.
func findMapping(nameOrFile string) (*mapping.Mapping, []byte, error) {
	if text, ok := mapping.BuiltinText(nameOrFile); ok {
		m, err := mapping.Parse(text)
		return m, text, err
	}
	text, err := os.ReadFile(nameOrFile)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(nameOrFile, "./\\") {
		return nil, nil, fmt.Errorf("there is no built-in mapping and no file %q; the built-in mappings are %s", nameOrFile,
			strings.Join(mapping.BuiltinNames(), ", "))
	}
	if err != nil {
		return nil, nil, err
	}
	m, err := mapping.Parse(text)
	return m, text, err
}

// mapFile sets a mapping in the settings of the rules, and returns its engine: nil without a mapping. A mapping that is
// not usable is a *usercsv.Refusal.
func (o *checkOptions) mapFile(settings *usercsv.Settings, pool *usercsv.Pool) (*mapping.Engine, error) {
	m, err := o.findMapping()
	var engine *mapping.Engine
	if m != nil {
		engine, err = mapping.New(m, mapping.TargetOf(pool, *settings))
	}
	if invalid, ok := errors.AsType[*mapping.Invalid](err); ok {
		return nil, invalid.For(mapping.TargetOf(pool, *settings)).Refusal()
	}
	if m == nil || err != nil {
		return nil, err
	}
	*settings = m.Rules(*settings)
	settings.Mapping = engine
	return engine, nil
}

// newManifest returns the manifest of a drop that asks for a mapping, for something else than the stack does with
// existing users, or for settings; nil if it asks for nothing.
func newManifest(mapping string, existing prepareimport.Existing, settings map[string]any) ([]byte, error) {
	members := map[string]any{}
	if mapping != "" {
		member, err := mappingMember(mapping)
		if err != nil {
			return nil, err
		}
		members["mapping"] = member
	}
	if existing != "" {
		members["existing"] = existing
	}
	if len(settings) > 0 {
		members["settings"] = settings
	}
	if len(members) == 0 {
		return nil, nil
	}
	return json.Marshal(members)
}

// mappingMember is what a manifest has to ask for a mapping: its name, or the mapping itself.
func mappingMember(nameOrFile string) (any, error) {
	_, text, err := findMapping(nameOrFile)
	if err != nil {
		return nil, fmt.Errorf("the mapping %s: %w", nameOrFile, err)
	}
	if _, builtIn := mapping.BuiltinText(nameOrFile); builtIn {
		return nameOrFile, nil
	}
	return json.RawMessage(text), nil
}

// hint adds, to the problems of a file that is refused, the mapping that it looks to need instead of the one that is used.
func (i *input) hint(problems []contract.Problem, used string) (hinted []contract.Problem, hint string) {
	text := make([]byte, mapping.SuggestFrom)
	n, _ := i.ReadAt(text, 0)
	return mapping.Hint(problems, text[:n], used)
}
