package stepfunctions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// node is a JSON value with its place in the text.
type node struct {
	pointer string
	line    int
	value   any      // scalars
	kind    byte     // { [ or v
	names   []string // of an object's members, as written
	nodes   []*node
}

func parseJSON(text []byte) (*node, error) {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		line := 0
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			line = 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		}
		return nil, fmt.Errorf("line %d: %w", line, err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	t := &treeReader{text: text, decoder: d, line: 1}
	root, err := t.read("")
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("text after the definition")
	}
	return root, nil
}

// treeReader makes nodes of tokens, counting lines as it goes.
type treeReader struct {
	text    []byte
	decoder *json.Decoder
	counted int64
	line    int
}

func (t *treeReader) token() (json.Token, error) {
	token, err := t.decoder.Token()
	offset := t.decoder.InputOffset()
	t.line += bytes.Count(t.text[t.counted:offset], []byte("\n"))
	t.counted = offset
	return token, err
}

// escapes are those of a JSON pointer (RFC 6901, section 3).
var escapes = strings.NewReplacer("~", "~0", "/", "~1")

func (t *treeReader) read(pointer string) (*node, error) {
	token, err := t.token()
	if err != nil {
		return nil, err
	}
	n := &node{pointer: pointer, line: t.line, kind: 'v', value: token}
	delim, ok := token.(json.Delim)
	if !ok {
		return n, nil
	}
	n.kind, n.value = byte(delim), nil
	for t.decoder.More() {
		name := fmt.Sprint(len(n.nodes))
		if n.kind == '{' {
			key, err := t.token()
			if err != nil {
				return nil, err
			}
			name = key.(string)
			if slices.Contains(n.names, name) {
				return nil, fmt.Errorf("%s (line %d): the member %q is there twice", pointer, t.line, name)
			}
			n.names = append(n.names, name)
		}
		member, err := t.read(pointer + "/" + escapes.Replace(name))
		if err != nil {
			return nil, err
		}
		n.nodes = append(n.nodes, member)
	}
	_, err = t.token()
	return n, err
}

// plain is the node as a decoded value.
func (n *node) plain() any {
	switch n.kind {
	case '{':
		m := make(map[string]any, len(n.nodes))
		for i, name := range n.names {
			m[name] = n.nodes[i].plain()
		}
		return m
	case '[':
		list := make([]any, len(n.nodes))
		for i, e := range n.nodes {
			list[i] = e.plain()
		}
		return list
	}
	return n.value
}
