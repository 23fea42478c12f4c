package template

import (
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode fills a struct from a resolved map. A field is the property of its name, or of its tag `cfn:"Name"`; the tag
// of a blank field lists properties that the double accepts and has no use for. Any other property is an error with
// a place. As in CloudFormation a string may stand for a number or a truth value, and the other way round.
func decode(n *yaml.Node, into any) error { return decodeValue(n, "", reflect.ValueOf(into).Elem()) }

func decodeValue(n *yaml.Node, path string, v reflect.Value) error {
	wrong := func(what string) error { return errorAt(n, "%s has to be %s", strings.TrimPrefix(path, "."), what) }
	if n.Tag == "!!null" {
		return wrong("given a value: null is not allowed in templates")
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if u, ok := reflect.TypeAssert[json.Unmarshaler](v.Addr()); ok {
		b, err := asJSON(n)
		if err != nil {
			return err
		}
		if err := u.UnmarshalJSON(b); err != nil {
			return errorAt(n, "%s: %v", strings.TrimPrefix(path, "."), err)
		}
		return nil
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Map:
		if n.Kind != yaml.MappingNode {
			return wrong("a map")
		}
		if v.Kind() == reflect.Struct {
			return decodeStruct(n, path, v)
		}
		return decodeMap(n, path, v)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			return wrong("a list")
		}
		return decodeList(n, path, v)
	case reflect.Interface:
		plain, err := plain(n)
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(plain))
		return nil
	}
	if what := decodeScalar(n, v); what != "" {
		return wrong(what)
	}
	return nil
}

func decodeMap(n *yaml.Node, path string, v reflect.Value) error {
	v.Set(reflect.MakeMap(v.Type()))
	var errs []error
	for key, value := range entries(n) {
		element := reflect.New(v.Type().Elem()).Elem()
		errs = append(errs, decodeValue(value, path+"."+key.Value, element))
		v.SetMapIndex(reflect.ValueOf(key.Value), element)
	}
	return errors.Join(errs...)
}

func decodeList(n *yaml.Node, path string, v reflect.Value) error {
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	var errs []error
	for i, element := range n.Content {
		errs = append(errs, decodeValue(element, path+"."+strconv.Itoa(i), v.Index(i)))
	}
	return errors.Join(errs...)
}

// decodeScalar returns what the node should have been, or "".
func decodeScalar(n *yaml.Node, v reflect.Value) (wanted string) {
	scalar := n.Kind == yaml.ScalarNode
	switch v.Kind() {
	case reflect.String:
		if !scalar {
			return "a string"
		}
		v.SetString(n.Value)
	case reflect.Bool:
		if !scalar || n.Value != "true" && n.Value != "false" {
			return "true or false"
		}
		v.SetBool(n.Value == "true")
	case reflect.Int:
		number, err := strconv.Atoi(n.Value)
		if !scalar || err != nil {
			return "a whole number"
		}
		v.SetInt(int64(number))
	case reflect.Float64:
		number, err := strconv.ParseFloat(n.Value, 64)
		if !scalar || err != nil {
			return "a number"
		}
		v.SetFloat(number)
	}
	return ""
}

func decodeStruct(n *yaml.Node, path string, v reflect.Value) error {
	var errs []error
	for key, value := range entries(n) {
		field, ok := fieldFor(v.Type(), key.Value)
		switch {
		case !ok:
			errs = append(errs, errorAt(key, "the property %s is not known to the local double",
				strings.TrimPrefix(path+"."+key.Value, ".")))
		case field >= 0:
			errs = append(errs, decodeValue(value, path+"."+key.Value, v.Field(field)))
		}
	}
	return errors.Join(errs...)
}

// fieldFor finds the field of a property, or -1 for one that is accepted and not read.
func fieldFor(t reflect.Type, property string) (index int, ok bool) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag := field.Tag.Get("cfn")
		switch {
		case field.Name == "_":
			for name := range strings.FieldsSeq(tag) {
				if name == property {
					return -1, true
				}
			}
		case tag == property, tag == "" && field.Name == property:
			return i, true
		}
	}
	return 0, false
}

// plain is a resolved node as encoding/json would hold it; numbers keep their digits.
func plain(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for key, value := range entries(n) {
			v, err := plain(value)
			if err != nil {
				return nil, err
			}
			m[key.Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, child := range n.Content {
			v, err := plain(child)
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	}
	switch n.Tag {
	case "!!bool":
		if n.Value == "true" || n.Value == "false" {
			return n.Value == "true", nil
		}
		return nil, errorAt(n, "write true or false, not %s", n.Value)
	case "!!int", "!!float":
		if !json.Valid([]byte(n.Value)) {
			return nil, errorAt(n, "%s is no number as JSON writes it: quote it if it is a string", n.Value)
		}
		return json.Number(n.Value), nil
	case "!!null":
		return nil, errorAt(n, "null values are not allowed in templates")
	}
	return n.Value, nil // strings, and dates, which CloudFormation takes as strings
}

func asJSON(n *yaml.Node) ([]byte, error) {
	v, err := plain(n)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
