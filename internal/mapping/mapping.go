package mapping

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// MaxSize is the largest mapping that is read, in bytes.
const MaxSize = 256 << 10

// Schema is the JSON schema of mappings.
//
//go:embed mapping.schema.json
var Schema []byte

// Mapping says how a record of an export becomes a row. Its fields are described in [Schema].
type Mapping struct {
	Schema    string            `json:"schema"`
	Name      string            `json:"name"`
	Title     string            `json:"title,omitempty"`
	Export    []string          `json:"export,omitempty"`
	Facts     []Fact            `json:"facts,omitempty"`
	Recognise []Signature       `json:"recognise,omitempty"`
	Positions []string          `json:"positions,omitempty"`
	Records   string            `json:"records,omitempty"`
	Spread    map[string]Pair   `json:"spread,omitempty"`
	ID        string            `json:"id,omitempty"`
	Columns   map[string]string `json:"columns"`
	Exclude   []Exclusion       `json:"exclude,omitempty"`
	Ignore    []string          `json:"ignore,omitempty"`
	Reasons   map[string]string `json:"reasons,omitempty"`
	Hashes    string            `json:"hashes,omitempty"`
	Join      *Join             `json:"join,omitempty"`
	Settings  Settings          `json:"settings,omitzero"`

	sha256 string
}

// Pair names the members of a list's entries that are the name and the value of a column.
type Pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Fact is something that a mapping relies on.
type Fact struct {
	Fact      string `json:"fact"`
	Source    string `json:"source,omitempty"`
	Uncertain string `json:"uncertain,omitempty"`
}

// Signature is one way to recognise an export.
type Signature struct {
	Columns []string `json:"columns,omitempty"`
	Fields  int      `json:"fields,omitempty"`
	Keys    []string `json:"keys,omitempty"`
}

// Exclusion leaves rows out.
type Exclusion struct {
	If      string `json:"if"`
	Because string `json:"because"`
	Text    string `json:"text,omitempty"`
}

// Join says how the records of a second file are found.
type Join struct {
	On   string `json:"on"`
	With string `json:"with"`
}

// Settings are those of the CSV rules that a mapping may set. They go before the stack's and the command line's.
type Settings struct {
	AssumeVerified      string   `json:"assumeVerified,omitempty"`
	DefaultPhoneCountry string   `json:"defaultPhoneCountry,omitempty"`
	DateOrder           string   `json:"dateOrder,omitempty"`
	NullText            []string `json:"nullText,omitempty"`
}

// SHA256 returns the hash of the mapping's text, in hexadecimal.
func (m *Mapping) SHA256() string { return m.sha256 }

// Changes reports whether the mapping gives groups or whether a user is enabled.
func (m *Mapping) Changes() bool { return m.Columns["groups"] != "" || m.Columns["enabled"] != "" }

// Mistake is something wrong with a mapping.
type Mistake struct {
	Place   string // such as columns.email, or columns.email:12 with the character of the expression
	Message string
}

func (m Mistake) String() string {
	if m.Place == "" {
		return m.Message
	}
	return m.Place + ": " + m.Message
}

// Invalid is the error of a mapping that cannot be used. It has all mistakes.
type Invalid struct {
	Mistakes []Mistake
	mapping  *Mapping // as far as it could be read; nil if not at all
}

// For returns the mistakes together with those that only a pool shows.
func (e *Invalid) For(target Target) *Invalid {
	if e.mapping == nil {
		return e
	}
	return &Invalid{Mistakes: inOrder(slices.Concat(e.Mistakes, target.mistakes(e.mapping))), mapping: e.mapping}
}

// inOrder sorts mistakes by their places.
func inOrder(mistakes []Mistake) []Mistake {
	slices.SortStableFunc(mistakes, func(a, b Mistake) int { return strings.Compare(a.Place, b.Place) })
	return mistakes
}

func (e *Invalid) Error() string {
	lines := make([]string, len(e.Mistakes))
	for i, m := range e.Mistakes {
		lines[i] = m.String()
	}
	return strings.Join(lines, "; ")
}

// Parse reads a mapping and checks it: its form by the schema, and every expression. An error is an *Invalid.
func Parse(text []byte) (*Mapping, error) {
	invalid := func(message string) error { return &Invalid{Mistakes: []Mistake{{Message: message}}} }
	text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
	if len(text) > MaxSize {
		return nil, invalid(fmt.Sprintf("the mapping has over %d KiB", MaxSize>>10))
	}
	instance, err := decodeJSON(text)
	if err != nil {
		return nil, invalid(err.Error())
	}
	mistakes, err := checkSchema(text)
	if err != nil {
		return nil, invalid(err.Error())
	}
	if _, isObject := instance.(map[string]any); !isObject {
		return nil, &Invalid{Mistakes: mistakes}
	}
	m := &Mapping{}
	if err := json.Unmarshal(text, m); err != nil && len(mistakes) == 0 {
		return nil, invalid(err.Error())
	}
	sum := sha256.Sum256(text)
	m.sha256 = hex.EncodeToString(sum[:])
	m.leaveOut(mistakes)
	_, more := compileAll(m, &state{})
	if mistakes = inOrder(append(mistakes, more...)); len(mistakes) > 0 {
		return nil, &Invalid{Mistakes: mistakes, mapping: m}
	}
	return m, nil
}

// leaveOut takes out the expressions and lists that the schema finds fault with, so that the rest can be checked.
func (m *Mapping) leaveOut(mistakes []Mistake) {
	for _, mistake := range mistakes {
		place, rest, _ := strings.Cut(mistake.Place, ".")
		switch {
		case place == "columns" && rest == "":
			m.Columns = nil
		case place == "columns":
			delete(m.Columns, rest)
		case place == "exclude":
			m.Exclude = leaveOutExclusion(m.Exclude, rest)
		case place == "id":
			m.ID = ""
		case place == "join":
			m.Join = &Join{On: "nil", With: "nil"}
		case place == "positions":
			m.Positions = nil
		case place == "ignore":
			m.Ignore = nil
		}
	}
}

// leaveOutExclusion leaves out the expression that the schema finds fault with at a place such as 3.if, or all of them
// where the place is the list itself. The others keep their places.
func leaveOutExclusion(list []Exclusion, place string) []Exclusion {
	number, member, _ := strings.Cut(place, ".")
	i, err := strconv.Atoi(number)
	if err != nil || i >= len(list) {
		return nil
	}
	if member == "if" || list[i].If == "" {
		list[i].If = "false"
	}
	return list
}

// compiledSchema is [Schema], compiled at its first use.
var compiledSchema = sync.OnceValue(func() *jsonschema.Schema {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		panic(err)
	}
	const url = "urn:userdrop:mapping:v1"
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(url, document); err != nil {
		panic(err)
	}
	return compiler.MustCompile(url)
})

// checkSchema compares a mapping's text with the schema.
func checkSchema(text []byte) ([]Mistake, error) {
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	err = compiledSchema().Validate(instance)
	violation, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return nil, err
	}
	var mistakes []Mistake
	printer := message.NewPrinter(language.English)
	var collect func(e *jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			collect(cause)
		}
		place := strings.Join(e.InstanceLocation, ".")
		if unknown, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
			for _, name := range slices.Sorted(slices.Values(unknown.Properties)) {
				mistakes = append(mistakes, Mistake{place, unknownName(name, e.InstanceLocation)})
			}
		} else if len(e.Causes) == 0 {
			mistakes = append(mistakes, Mistake{place, e.ErrorKind.LocalizedString(printer)})
		}
	}
	collect(violation)
	return inOrder(mistakes), nil
}

// unknownName says that the schema has no member of a name at a place, and which one may be meant.
func unknownName(name string, place []string) string {
	s := compiledSchema()
	for _, step := range place {
		switch {
		case s.Items2020 != nil:
			s = s.Items2020
		case s.Properties[step] != nil:
			s = s.Properties[step]
		default:
			s, _ = s.AdditionalProperties.(*jsonschema.Schema)
		}
	}
	text := fmt.Sprintf("there is no %q here", name)
	if meant := usercsv.Closest(name, slices.Sorted(maps.Keys(s.Properties))); meant != "" {
		text += fmt.Sprintf("; perhaps %q is meant", meant)
	}
	return text
}

// Refusal returns the refusal of a drop whose mapping is not usable.
func (e *Invalid) Refusal() *usercsv.Refusal {
	return usercsv.Refuse(contract.BadMapping, "The mapping has mistakes: "+e.Error()+".")
}
