package template

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Error is a mistake in the template, and where it is.
type Error struct {
	Line, Column int
	Message      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

func errorAt(n *yaml.Node, format string, args ...any) error {
	return &Error{Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)}
}

// failures is all that went wrong, in the order of the template.
func (l *loader) failures() error {
	var found []*Error
	var other []error
	for _, joined := range l.errs {
		for _, err := range flatten(joined) {
			if at, ok := errors.AsType[*Error](err); ok {
				found = append(found, at)
			} else {
				other = append(other, err)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	found = slices.CompactFunc(found, func(a, b *Error) bool { return *a == *b })
	for _, at := range found {
		other = append(other, at)
	}
	return errors.Join(other...)
}

func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
