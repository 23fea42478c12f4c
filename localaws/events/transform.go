package events

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"userdrop/localaws/wire"
)

// Limits of https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html.
const (
	maxVariables = 100
	maxTemplate  = 8192
)

func validateInput(t Target) error {
	set := 0
	for _, given := range []bool{t.Input != "", t.InputPath != "", t.InputTransformer != nil} {
		if given {
			set++
		}
	}
	if set > 1 {
		return invalidInput(t, "Only one of Input, InputPath, or InputTransformer must be provided.")
	}
	if t.Input != "" && !json.Valid([]byte(t.Input)) {
		return invalidInput(t, "JSON syntax error in input.")
	}
	if t.InputPath != "" {
		if _, err := parsePath(t.InputPath); err != nil {
			return invalidInput(t, "invalid InputPath: %v", err)
		}
	}
	if t.InputTransformer == nil {
		return nil
	}
	return validateTransformer(t)
}

func invalidInput(t Target, format string, args ...any) error {
	return wire.Errorf("ValidationException", "Target "+t.ID+": "+format, args...)
}

func validateTransformer(t Target) error {
	paths, text := t.InputTransformer.InputPathsMap, t.InputTransformer.InputTemplate
	if len(paths) > maxVariables {
		return invalidInput(t, "Value at 'inputPathsMap' failed to satisfy constraint: Map must have length less than or "+
			"equal to %d", maxVariables)
	}
	if len(text) == 0 || len(text) > maxTemplate {
		return invalidInput(t, "Value at 'inputTemplate' failed to satisfy constraint: Member must have length between 1 "+
			"and %d", maxTemplate)
	}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		if strings.HasPrefix(strings.ToLower(name), "aws.") {
			return invalidInput(t, "InputPathsMap may not define %s.", name)
		}
		if _, err := parsePath(paths[name]); err != nil {
			return invalidInput(t, "invalid InputPathsMap: %v", err)
		}
	}
	_, err := expand(text, asJSON, func(name string) (any, bool, error) {
		if _, mapped := paths[name]; mapped {
			return "", true, nil
		}
		if _, ok := predefined(name, map[string]any{}, "", "", ""); ok {
			return "", true, nil
		}
		return nil, false, invalidInput(t, "InputTemplate uses <%s>, which InputPathsMap does not define.", name)
	})
	return err
}

// predefined returns the value of a variable that EventBridge defines:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
func predefined(name string, event any, ruleARN, ruleName, ingested string) (any, bool) {
	switch name {
	case "aws.events.rule-arn":
		return ruleARN, true
	case "aws.events.rule-name":
		return ruleName, true
	case "aws.events.event.ingestion-time":
		return ingested, true
	case "aws.events.event.json":
		return event, true
	case "aws.events.event":
		fields, _ := event.(map[string]any)
		fields = maps.Clone(fields)
		delete(fields, "detail")
		return fields, true
	}
	return nil, false
}

// input returns what the target receives for an event. Functions and state machines take JSON alone; other targets take
// the text of a template as it is.
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
		part, ok, err := lookupPath(v, t.InputPath)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, wire.Errorf("InvalidJson", "the event has nothing at %s", t.InputPath)
		}
		return mustJSON(part), nil
	}
	value := func(name string) (any, bool, error) {
		if value, ok := predefined(name, v, ruleARN, ruleName, ingested); ok {
			return value, true, nil
		}
		return lookupPath(v, t.InputTransformer.InputPathsMap[name])
	}
	text, err := expand(t.InputTransformer.InputTemplate, asJSON, value)
	if err != nil || json.Valid(text) {
		return text, err
	}
	if kind := strings.SplitN(t.ARN, ":", 4)[2]; kind == "lambda" || kind == "states" {
		return nil, wire.Errorf("InvalidJson", "the input template does not make JSON")
	}
	return expand(t.InputTransformer.InputTemplate, asText, value)
}

// style says how a value is put outside of a template's quoted strings.
type style int

const (
	asJSON style = iota
	asText       // strings without quotes
)

// expand replaces each <name>. Inside a JSON string a value is put as escaped text. A value that the event does not
// have leaves nothing.
func expand(
	template string, outside style, value func(name string) (v any, ok bool, err error),
) ([]byte, error) {
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
			if !ok || name == "" || strings.ContainsAny(name, " \"{}") {
				break
			}
			v, ok, err := value(name)
			if err != nil {
				return nil, err
			}
			i += len(name) + 1
			if ok {
				out = append(out, render(v, quoted, outside)...)
			}
			continue
		}
		out = append(out, c)
	}
	return out, nil
}

func render(v any, quoted bool, outside style) []byte {
	text, isText := v.(string)
	switch {
	case quoted && !isText:
		text = string(mustJSON(v))
	case !quoted && outside == asText && isText:
		return []byte(text)
	case !quoted:
		return mustJSON(v)
	}
	escaped := mustJSON(text)
	return escaped[1 : len(escaped)-1]
}
