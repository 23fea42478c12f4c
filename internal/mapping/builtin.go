package mapping

import (
	"embed"
	"slices"
)

//go:embed builtin/*/mapping.json
var builtinFiles embed.FS

// BuiltinNames returns the names of the built-in mappings, sorted.
func BuiltinNames() []string {
	entries, err := builtinFiles.ReadDir("builtin")
	if err != nil {
		panic(err) // the directory is embedded
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	slices.Sort(names)
	return names
}

// BuiltinText returns the text of a built-in mapping, and whether there is one of that name.
func BuiltinText(name string) ([]byte, bool) {
	if !slices.Contains(BuiltinNames(), name) {
		return nil, false
	}
	text, err := builtinFiles.ReadFile("builtin/" + name + "/mapping.json")
	return text, err == nil
}

// Builtin returns a built-in mapping, and whether there is one of that name.
func Builtin(name string) (*Mapping, bool) {
	text, ok := BuiltinText(name)
	if !ok {
		return nil, false
	}
	m, err := Parse(text)
	if err != nil {
		panic("mapping " + name + ": " + err.Error()) // a test parses them all
	}
	return m, true
}
