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
func mapFile(settings *usercsv.Settings, pool *usercsv.Pool, nameOrFile string) (*mapping.Engine, error) {
	if nameOrFile == "" {
		return nil, nil
	}
	m, _, err := findMapping(nameOrFile)
	var engine *mapping.Engine
	if err == nil {
		engine, err = mapping.New(m, mapping.TargetOf(pool, *settings))
	}
	if invalid, ok := errors.AsType[*mapping.Invalid](err); ok {
		return nil, invalid.Refusal()
	}
	if err != nil {
		return nil, err
	}
	*settings = m.Rules(*settings)
	settings.Mapping = engine
	return engine, nil
}

// mappingManifest returns the manifest by which a drop asks for a mapping, nil without one.
func mappingManifest(nameOrFile string) ([]byte, error) {
	if nameOrFile == "" {
		return nil, nil
	}
	_, text, err := findMapping(nameOrFile)
	if err != nil {
		return nil, fmt.Errorf("the mapping %s: %w", nameOrFile, err)
	}
	if _, builtIn := mapping.BuiltinText(nameOrFile); builtIn {
		return json.Marshal(map[string]string{"mapping": nameOrFile})
	}
	return json.Marshal(map[string]json.RawMessage{"mapping": text})
}

// hint adds, to the problems of a file that is refused without a mapping, the mapping that it looks to need.
func (i *input) hint(problems []contract.Problem) []contract.Problem {
	text := make([]byte, mapping.SuggestFrom)
	n, _ := i.ReadAt(text, 0)
	return mapping.Hint(problems, text[:n])
}
