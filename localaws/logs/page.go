package logs

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

func eventLimit(limit *int) (int, error) {
	if limit == nil {
		return maxEvents, nil
	}
	if *limit < 1 || *limit > maxEvents {
		return 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value between 1 and %d", *limit, maxEvents)
	}
	return *limit, nil
}

// window is the span of time of a read; without an end it reaches as far as time stamps do.
func window(start, end *int64) (from, to int64) {
	to = time.Unix(1<<40, 0).UnixMilli()
	if start != nil {
		from = *start
	}
	if end != nil {
		to = *end
	}
	return from, to
}

// fingerprint ties a token to the query that it belongs to.
func fingerprint(parts ...string) string {
	h := fnv.New64a()
	for _, part := range parts {
		fmt.Fprintf(h, "%q", part)
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

func token(query, after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(query + " " + after))
}

func parseToken(text, query string) (after string, err error) {
	if text == "" {
		return "", nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	after, ok := strings.CutPrefix(string(decoded), query+" ")
	if err != nil || !ok {
		return "", invalid("The specified nextToken is invalid.")
	}
	return after, nil
}

func positionToken(query string, p position) string {
	return token(query, fmt.Sprintf("%d %d", p.time, p.number))
}

func parsePosition(text, query string) (p position, err error) {
	after, err := parseToken(text, query)
	if err != nil {
		return p, err
	}
	if _, err := fmt.Sscanf(after, "%d %d", &p.time, &p.number); err != nil {
		return p, invalid("The specified nextToken is invalid.")
	}
	return p, nil
}

// describePage reads the token and limit of the Describe operations: where to go on, and how many to answer.
func describePage(text, query string, limit *int) (after string, n int, err error) {
	n = maxDescribed
	if limit != nil {
		n = *limit
	}
	if n < 1 || n > maxDescribed {
		return "", 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value between 1 and %d", n, maxDescribed)
	}
	after, err = parseToken(text, query)
	return after, n, err
}
