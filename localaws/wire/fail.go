package wire

import (
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"maps"
	"net/http"
	"strings"
)

// Fail answers a call with an error in the protocol that the call came in, so that the client's SDK can read it, also
// for services that the double does not have. The service is named as in a signature.
func Fail(w http.ResponseWriter, r *http.Request, service string, err error) {
	e := AsError(err)
	id := RequestID(r.Context())
	w.Header().Set("X-Amzn-RequestId", id)
	status := max(e.Status, http.StatusBadRequest)
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		w.WriteHeader(status)
		_, _ = w.Write(cborMap("__type", e.Code, "message", e.Message))
	case r.Header.Get("X-Amz-Target") != "":
		writeJSONError(w, r, e, status)
	case service == "ec2":
		failXML(w, status, ec2Error{Errors: []xmlError{{Code: e.Code, Message: e.Message}}, RequestID: id})
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"),
		r.URL.Query().Has("Action"):
		w.Header().Set("Content-Type", "text/xml")
		writeQueryError(w, "", id, e)
	case service == "s3" || service == "upload" || service == "s3express":
		failXML(w, status, s3Error{xmlError: xmlError{Code: e.Code, Message: e.Message}, Resource: r.URL.Path, RequestID: id})
	case service == "cloudfront" || service == "route53" || service == "s3-outposts":
		failXML(w, status, restError{Error: xmlError{Type: "Sender", Code: e.Code, Message: e.Message}, RequestID: id})
	default: // restJson1
		writeJSONError(w, r, e, status)
	}
}

// writeJSONError writes an error of the JSON protocols.
func writeJSONError(w http.ResponseWriter, r *http.Request, e *Error, status int) {
	contentType := r.Header.Get("Content-Type")
	if !strings.HasPrefix(contentType, "application/") {
		contentType = "application/json"
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-ErrorType", e.Code)
	if e.QueryCode != "" {
		fault := "Sender"
		if status >= http.StatusInternalServerError {
			fault = "Receiver"
		}
		w.Header().Set("X-Amzn-Query-Error", e.QueryCode+";"+fault)
	}
	answer := map[string]any{"__type": e.Code, "message": e.Message}
	maps.Copy(answer, e.Fields)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

type xmlError struct {
	Type    string `xml:",omitempty"`
	Code    string
	Message string
}

type s3Error struct {
	XMLName xml.Name `xml:"Error"`
	xmlError
	Resource  string
	RequestID string `xml:"RequestId"`
}

type restError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Error     xmlError
	RequestID string `xml:"RequestId"`
}

type ec2Error struct {
	XMLName   xml.Name   `xml:"Response"`
	Errors    []xmlError `xml:"Errors>Error"`
	RequestID string
}

func failXML(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(document)
}

// cborMap encodes a map of a few texts, given as names and values in turn: RFC 8949, major types 5 and 3.
func cborMap(pairs ...string) []byte {
	b := []byte{0xa0 | byte(len(pairs)/2)}
	for _, text := range pairs {
		b = append(b, 0x7a)
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	return b
}
