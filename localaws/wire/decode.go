package wire

import (
	"bytes"
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
// exactly the case that it has in the protocol. A member that v lacks is ignored, or an error if strict.
func Decode(text []byte, v any, naming Naming, strict bool) error {
	exact, err := exactly{naming, strict}.value(text, reflect.TypeOf(v).Elem())
	if err != nil {
		return err
	}
	return json.Unmarshal(exact, v)
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// exactly removes the members that a type has no field for. Text that is not JSON of the type stays as it is: decoding
// it says what is wrong.
type exactly struct {
	naming Naming
	strict bool
}

func (e exactly) value(text []byte, t reflect.Type) ([]byte, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if p := reflect.PointerTo(t); p.Implements(unmarshaler) || p.Implements(textUnmarshaler) {
		return text, nil
	}
	switch {
	case t.Kind() == reflect.Struct:
		fields := map[string]reflect.Type{}
		e.fields(t, fields)
		return e.members(text, func(name string) (reflect.Type, bool) {
			field, ok := fields[name]
			return field, ok
		})
	case t.Kind() == reflect.Map && hasStruct(t):
		return e.members(text, func(string) (reflect.Type, bool) { return t.Elem(), true })
	case t.Kind() == reflect.Slice && hasStruct(t):
		return e.elements(text, t.Elem())
	}
	return text, nil
}

// members goes through an object whose members have the types that find returns.
func (e exactly) members(text []byte, find func(name string) (reflect.Type, bool)) ([]byte, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return text, nil
	}
	changed := false
	for name, value := range members {
		t, ok := find(name)
		if !ok && e.strict {
			return nil, fmt.Errorf("unknown field %q", name)
		}
		if !ok {
			delete(members, name)
			changed = true
			continue
		}
		exact, err := e.value(value, t)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(exact, value) {
			members[name], changed = exact, true
		}
	}
	if !changed {
		return text, nil
	}
	return json.Marshal(members)
}

func (e exactly) elements(text []byte, t reflect.Type) ([]byte, error) {
	var list []json.RawMessage
	if json.Unmarshal(text, &list) != nil {
		return text, nil
	}
	changed := false
	for i, element := range list {
		exact, err := e.value(element, t)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(exact, element) {
			list[i], changed = exact, true
		}
	}
	if !changed {
		return text, nil
	}
	return json.Marshal(list)
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
func (e exactly) fields(t reflect.Type, named map[string]reflect.Type) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag := field.Tag.Get("json")
		switch {
		case field.Anonymous && tag == "" && field.Type.Kind() == reflect.Struct:
			e.fields(field.Type, named)
		case field.IsExported() && tag != "-":
			named[e.naming.of(field)] = field.Type
		}
	}
}
