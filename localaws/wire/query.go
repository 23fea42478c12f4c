package wire

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// Form is the input of a call of the Query protocol. What an operation does not take is refused.
type Form struct{ values url.Values }

// Take returns a parameter, or "".
func (f *Form) Take(name string) string {
	value := f.values.Get(name)
	f.values.Del(name)
	return value
}

// Entries takes the entries of a map, <name>.entry.N.<key> for each of the keys, the first of which none lacks.
func (f *Form) Entries(name string, keys ...string) [][]string {
	var entries [][]string
	for n := 1; ; n++ {
		prefix := fmt.Sprintf("%s.entry.%d.", name, n)
		if !f.values.Has(prefix + keys[0]) {
			return entries
		}
		entry := make([]string, len(keys))
		for i, key := range keys {
			entry[i] = f.Take(prefix + key)
		}
		entries = append(entries, entry)
	}
}

// Finish refuses what was not taken. [Query] calls it at the end, an operation that does something before it does.
func (f *Form) Finish() error {
	if len(f.values) == 0 {
		return nil
	}
	return Errorf("InvalidParameterValue", "the local double does not know the parameters %v",
		slices.Sorted(maps.Keys(f.values)))
}

// QueryOperation answers one call of the Query protocol with the content of <NameResult>.
type QueryOperation func(ctx context.Context, form *Form) (any, error)

// Query serves the awsQuery protocol of the API with the XML namespace and the version: Action and parameters in a
// form or in the URL, the answer in XML.
func Query(namespace, version string, operations map[string]QueryOperation) *API {
	type metadata struct {
		RequestID string `xml:"RequestId"`
	}
	return newAPI(operations, func(w http.ResponseWriter, r *http.Request) {
		id := RequestID(r.Context())
		w.Header().Set("Content-Type", "text/xml")
		w.Header().Set("X-Amzn-RequestId", id)
		name, result, err := query(w, r, version, operations)
		if err != nil {
			writeQueryError(w, namespace, id, AsError(err))
			return
		}
		e := xml.NewEncoder(w)
		response := xml.StartElement{Name: xml.Name{Space: namespace, Local: name + "Response"}}
		_ = e.EncodeToken(response)
		_ = e.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: name + "Result"}})
		_ = e.EncodeElement(metadata{id}, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}})
		_ = e.EncodeToken(response.End())
		_ = e.Flush()
	})
}

func query(
	w http.ResponseWriter, r *http.Request, version string, operations map[string]QueryOperation,
) (name string, result any, err error) {
	const maxForm = 1 << 20
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return "", nil, Errorf("MalformedQueryString", "%v", err)
	}
	f := &Form{maps.Clone(r.Form)}
	name = f.Take("Action")
	if v := f.Take("Version"); v != version {
		return "", nil, Errorf("NoSuchVersion", "The requested version (%s) is not valid.", v)
	}
	operation, ok := operations[name]
	if !ok {
		return "", nil, Errorf("InvalidAction", "the local double does not know the operation %q", name)
	}
	result, err = operation(r.Context(), f)
	if err == nil {
		err = f.Finish()
	}
	return name, result, err
}

// writeQueryError writes an error; the protocol says AccessDenied, with 403, where the JSON ones say
// AccessDeniedException.
func writeQueryError(w http.ResponseWriter, namespace, requestID string, e *Error) {
	type inner struct{ Type, Code, Message string }
	body := inner{"Sender", e.Code, e.Message}
	status := cmp.Or(e.Status, http.StatusBadRequest)
	if e.Code == "AccessDeniedException" {
		body.Code, status = "AccessDenied", http.StatusForbidden
	}
	if status >= http.StatusInternalServerError {
		body.Type = "Receiver"
	}
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName   xml.Name
		Error     inner
		RequestID string `xml:"RequestId"`
	}{xml.Name{Space: namespace, Local: "ErrorResponse"}, body, requestID})
}
