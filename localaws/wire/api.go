package wire

import (
	"maps"
	"net/http"
	"slices"
)

// API serves the operations of a service.
type API struct {
	http.HandlerFunc
	names []string
}

func newAPI[T any](operations map[string]T, serve http.HandlerFunc) *API {
	return &API{serve, slices.Sorted(maps.Keys(operations))}
}

// Operations returns the names of the operations, sorted.
func (a *API) Operations() []string { return a.names }
