package prepareimport

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// exactMembers reports whether text is a JSON object whose members are those of the struct v, each at most once and
// spelled exactly so. encoding/json takes the last of several members, in any case: a person who reads the text, or a
// program in another language, may read another value.
func exactMembers(text []byte, v any) bool {
	known := map[string]bool{}
	for t, i := reflect.TypeOf(v), 0; i < t.NumField(); i++ {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		known[name] = true
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('{') {
		return false
	}
	for decoder.More() {
		token, err := decoder.Token()
		name, _ := token.(string)
		if err != nil || !known[name] {
			return false
		}
		delete(known, name)
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return false
		}
	}
	return true
}
