package wire

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Naming is how a protocol writes the names of members.
type Naming int

// Most services write "RoleArn", Step Functions and CloudWatch Logs "roleArn".
const (
	Pascal Naming = iota
	Camel
)

// of returns a field's name in JSON: that of its tag, or its own as AWS spells it, with "Id", "Arn" and "Url".
func (n Naming) of(field reflect.StructField) string {
	if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
		return name
	}
	name := field.Name
	for _, word := range []string{"ID", "ARN", "URL"} {
		if start, ok := strings.CutSuffix(name, word); ok {
			name = start + word[:1] + strings.ToLower(word[1:])
		}
	}
	if n == Camel {
		name = strings.ToLower(name[:1]) + name[1:]
	}
	return name
}

// Decode reads JSON into the value that v points to, as encoding/json does, except that a member's name must have
// exactly the case that it has in the protocol. A member that v lacks is an error.
func Decode(text []byte, v any, naming Naming) error {
	if err := naming.check(text, reflect.TypeOf(v).Elem()); err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// check returns an error if text has a member that the type has no field for. Text that is not JSON of the type passes:
// decoding it says what is wrong.
func (n Naming) check(text []byte, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if p := reflect.PointerTo(t); p.Implements(unmarshaler) || p.Implements(textUnmarshaler) {
		return nil
	}
	switch {
	case t.Kind() == reflect.Struct:
		fields := map[string]reflect.Type{}
		n.fields(t, fields)
		return n.members(text, func(name string) (reflect.Type, bool) {
			field, ok := fields[name]
			return field, ok
		})
	case t.Kind() == reflect.Map && hasStruct(t):
		return n.members(text, func(string) (reflect.Type, bool) { return t.Elem(), true })
	case t.Kind() == reflect.Slice && hasStruct(t):
		return n.elements(text, t.Elem())
	}
	return nil
}

// members checks an object whose members have the types that find returns.
func (n Naming) members(text []byte, find func(name string) (reflect.Type, bool)) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return nil
	}
	for name, value := range members {
		t, ok := find(name)
		if !ok {
			return fmt.Errorf("unknown field %q", name)
		}
		if err := n.check(value, t); err != nil {
			return err
		}
	}
	return nil
}

func (n Naming) elements(text []byte, t reflect.Type) error {
	var list []json.RawMessage
	if json.Unmarshal(text, &list) != nil {
		return nil
	}
	for _, element := range list {
		if err := n.check(element, t); err != nil {
			return err
		}
	}
	return nil
}

// hasStruct reports whether a type holds structs, at any depth of pointers, lists and maps.
func hasStruct(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return hasStruct(t.Elem())
	}
	return t.Kind() == reflect.Struct
}

// fields adds the fields of a struct by their names in JSON.
func (n Naming) fields(t reflect.Type, named map[string]reflect.Type) {
	for field := range t.Fields() {
		tag := field.Tag.Get("json")
		switch {
		case field.Anonymous && tag == "" && field.Type.Kind() == reflect.Struct:
			n.fields(field.Type, named)
		case field.IsExported() && tag != "-":
			named[n.of(field)] = field.Type
		}
	}
}
