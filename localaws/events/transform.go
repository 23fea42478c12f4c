package events

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"userdrop/localaws/wire"
)

// step of a path: a member's name, or an index when name is empty.
type step struct {
	name  string
	index int
}

// parsePath reads the subset of JSONPath that EventBridge knows: $, .name, ['name'] and [n].
func parsePath(path string) ([]step, error) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return nil, fmt.Errorf("path %q does not begin with $", path)
	}
	var steps []step
	for rest != "" {
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			if name := rest[1:end]; name == "" || name == "*" {
				return nil, fmt.Errorf("path %q: the local double does not know %q", path, rest)
			}
			steps = append(steps, step{name: rest[1:end]})
			rest = rest[end:]
		case '[':
			inside, after, ok := strings.Cut(rest[1:], "]")
			if !ok {
				return nil, fmt.Errorf("path %q: [ without ]", path)
			}
			if n, err := strconv.Atoi(inside); err == nil && n >= 0 {
				steps = append(steps, step{index: n})
			} else if len(inside) > 2 && inside[0] == '\'' && inside[len(inside)-1] == '\'' {
				steps = append(steps, step{name: inside[1 : len(inside)-1]})
			} else {
				return nil, fmt.Errorf("path %q: the local double does not know [%s]", path, inside)
			}
			rest = after
		default:
			return nil, fmt.Errorf("path %q", path)
		}
	}
	return steps, nil
}

func lookup(v any, steps []step) (any, bool) {
	for _, s := range steps {
		if s.name != "" {
			fields, _ := v.(map[string]any)
			member, ok := fields[s.name]
			if !ok {
				return nil, false
			}
			v = member
			continue
		}
		list, _ := v.([]any)
		if s.index >= len(list) {
			return nil, false
		}
		v = list[s.index]
	}
	return v, true
}

func validateInput(t Target) error {
	set := 0
	for _, given := range []bool{t.Input != "", t.InputPath != "", t.InputTransformer != nil} {
		if given {
			set++
		}
	}
	invalid := func(format string, args ...any) error {
		return wire.Errorf("ValidationException", "Target "+t.ID+": "+format, args...)
	}
	if set > 1 {
		return invalid("Only one of Input, InputPath, or InputTransformer must be provided.")
	}
	if t.Input != "" && !json.Valid([]byte(t.Input)) {
		return invalid("JSON syntax error in input.")
	}
	if t.InputPath != "" {
		if _, err := parsePath(t.InputPath); err != nil {
			return invalid("invalid InputPath: %v", err)
		}
	}
	if t.InputTransformer == nil {
		return nil
	}
	for name, path := range t.InputTransformer.InputPathsMap {
		if strings.HasPrefix(name, "aws.") {
			return invalid("InputPathsMap may not define %s.", name)
		}
		if _, err := parsePath(path); err != nil {
			return invalid("invalid InputPathsMap: %v", err)
		}
	}
	_, err := expand(t.InputTransformer.InputTemplate, func(name string) (any, bool, error) {
		_, mapped := t.InputTransformer.InputPathsMap[name]
		switch {
		case mapped:
			return "", true, nil
		case strings.HasPrefix(name, "aws.events."):
			if _, ok := predefined(name, nil, "", "", ""); ok {
				return "", true, nil
			}
		}
		return nil, false, invalid("InputTemplate uses <%s>, which InputPathsMap does not define.", name)
	})
	return err
}

// predefined variables.
func predefined(name string, event any, ruleARN, ruleName, ingested string) (any, bool) {
	switch name {
	case "aws.events.rule-arn":
		return ruleARN, true
	case "aws.events.rule-name":
		return ruleName, true
	case "aws.events.event.ingestion-time":
		return ingested, true
	case "aws.events.event", "aws.events.event.json":
		return event, true
	}
	return nil, false
}

// input is what the target receives for an event.
func input(t Target, event []byte, ruleARN, ruleName, ingested string) ([]byte, error) {
	if t.Input != "" {
		return []byte(t.Input), nil
	}
	if t.InputPath == "" && t.InputTransformer == nil {
		return event, nil
	}
	v, err := decode(event)
	if err != nil {
		return nil, err
	}
	if t.InputPath != "" {
		steps, err := parsePath(t.InputPath)
		if err != nil {
			return nil, err
		}
		part, ok := lookup(v, steps)
		if !ok {
			return nil, wire.Errorf("InvalidJson", "the event has nothing at %s", t.InputPath)
		}
		return mustJSON(part), nil
	}
	text, err := expand(t.InputTransformer.InputTemplate, func(name string) (any, bool, error) {
		if value, ok := predefined(name, v, ruleARN, ruleName, ingested); ok {
			return value, true, nil
		}
		steps, err := parsePath(t.InputTransformer.InputPathsMap[name])
		if err != nil {
			return nil, false, err
		}
		value, ok := lookup(v, steps)
		return value, ok, nil
	})
	if err != nil {
		return nil, err
	}
	if !json.Valid(text) {
		return nil, wire.Errorf("InvalidJson", "the input template does not make JSON")
	}
	return text, nil
}

// expand replaces each <name>. Inside a JSON string a value is put as text, elsewhere as JSON. A value that the event
// does not have leaves nothing.
func expand(template string, value func(name string) (v any, ok bool, err error)) ([]byte, error) {
	var out []byte
	quoted := false
	for i := 0; i < len(template); i++ {
		c := template[i]
		switch {
		case c == '\\' && quoted && i+1 < len(template):
			out = append(out, c, template[i+1])
			i++
			continue
		case c == '"':
			quoted = !quoted
		case c == '<':
			name, _, ok := strings.Cut(template[i+1:], ">")
			if !ok || strings.ContainsAny(name, " \"{}") {
				break
			}
			v, ok, err := value(name)
			if err != nil {
				return nil, err
			}
			i += len(name) + 1
			if !ok {
				continue
			}
			out = append(out, render(v, quoted)...)
			continue
		}
		out = append(out, c)
	}
	return out, nil
}

func render(v any, quoted bool) []byte {
	text := mustJSON(v)
	if !quoted {
		return text
	}
	if _, ok := v.(string); !ok {
		text = mustJSON(string(text))
	}
	return text[1 : len(text)-1]
}
