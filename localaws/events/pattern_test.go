package events_test

import (
	"strings"
	"testing"

	"userdrop/localaws/events"
)

const s3Event = `{
	"version": "0", "source": "aws.s3", "detail-type": "Object Created", "resources": ["arn:aws:s3:::inbox", "second"],
	"detail": {
		"bucket": {"name": "inbox"}, "object": {"key": "incoming/pool/users.csv", "size": 1024, "etag": ""},
		"reason": "PutObject", "source-ip-address": "10.0.0.7", "nothing": null, "done": true, "none": [],
		"parts": [{"n": 1, "state": "bad"}, {"n": 2, "state": "good"}]
	}
}`

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		want          bool
	}{
		{
			"the S3 rule",
			`{"source":["aws.s3"],"detail-type":["Object Created"],
				"detail":{"bucket":{"name":["inbox"]},"object":{"key":[{"prefix":"incoming/"}]}}}`,
			true,
		},
		{"another bucket", `{"detail":{"bucket":{"name":["outbox"]}}}`, false},
		{"one of many", `{"source":["aws.ec2","aws.s3"]}`, true},
		{"an element of an array", `{"resources":["second"]}`, true},
		{"no element of an array", `{"resources":["third"]}`, false},
		{"both fields of one element", `{"detail":{"parts":{"n":[2],"state":["good"]}}}`, true},
		{"fields of two elements", `{"detail":{"parts":{"n":[1],"state":["good"]}}}`, false},
		{"prefix", `{"detail":{"object":{"key":[{"prefix":"check/"}]}}}`, false},
		{
			"prefix without regard to case", `{"detail":{"object":{"key":[{"prefix":{"equals-ignore-case":"INCOMING/"}}]}}}`,
			true,
		},
		{"suffix", `{"detail":{"object":{"key":[{"suffix":".csv"}]}}}`, true},
		{"other suffix", `{"detail":{"object":{"key":[{"suffix":".json"}]}}}`, false},
		{"suffix longer than the value", `{"detail":{"bucket":{"name":[{"suffix":"the-inbox"}]}}}`, false},
		{"suffix without regard to case", `{"detail":{"object":{"key":[{"suffix":{"equals-ignore-case":".CSV"}}]}}}`, true},
		{"equals-ignore-case", `{"detail":{"reason":[{"equals-ignore-case":"putobject"}]}}`, true},
		{"wildcard", `{"detail":{"object":{"key":[{"wildcard":"incoming/*/*.csv"}]}}}`, true},
		{"wildcard needs the end", `{"detail":{"object":{"key":[{"wildcard":"incoming/*/users"}]}}}`, false},
		{"wildcard needs each part", `{"detail":{"object":{"key":[{"wildcard":"incoming/*x*.csv"}]}}}`, false},
		{"wildcard may not use a character twice", `{"detail":{"bucket":{"name":[{"wildcard":"inbo*ox"}]}}}`, false},
		{"escaped star", `{"detail":{"bucket":{"name":[{"wildcard":"inbo\\*"}]}}}`, false},
		{"anything-but another", `{"detail":{"reason":[{"anything-but":"CopyObject"}]}}`, true},
		{"anything-but itself", `{"detail":{"reason":[{"anything-but":"PutObject"}]}}`, false},
		{"anything-but a list", `{"detail":{"reason":[{"anything-but":["CopyObject","PutObject"]}]}}`, false},
		{"anything-but a number", `{"detail":{"object":{"size":[{"anything-but":1024}]}}}`, false},
		{"anything-but a prefix", `{"detail":{"object":{"key":[{"anything-but":{"prefix":"incoming/"}}]}}}`, false},
		{"anything-but prefixes", `{"detail":{"object":{"key":[{"anything-but":{"prefix":["check/","x/"]}}]}}}`, true},
		{"anything-but a suffix", `{"detail":{"object":{"key":[{"anything-but":{"suffix":".manifest.json"}}]}}}`, true},
		{"anything-but a wildcard", `{"detail":{"object":{"key":[{"anything-but":{"wildcard":"*/pool/*"}}]}}}`, false},
		{
			"anything-but without regard to case",
			`{"detail":{"reason":[{"anything-but":{"equals-ignore-case":"PUTOBJECT"}}]}}`, false,
		},
		{"anything-but of what is absent", `{"detail":{"absent":[{"anything-but":"x"}]}}`, false},
		{"numeric equal", `{"detail":{"object":{"size":[{"numeric":["=",1024.0]}]}}}`, true},
		{"numeric range", `{"detail":{"object":{"size":[{"numeric":[">",0,"<=",1024]}]}}}`, true},
		{"numeric out of range", `{"detail":{"object":{"size":[{"numeric":[">=",0,"<",1024]}]}}}`, false},
		{"numeric of a string", `{"detail":{"reason":[{"numeric":[">",0]}]}}`, false},
		{"a number however written", `{"detail":{"object":{"size":[1.024e3]}}}`, true},
		{"a number is no string", `{"detail":{"object":{"size":["1024"]}}}`, false},
		{"exists", `{"detail":{"reason":[{"exists":true}]}}`, true},
		{"exists only for leaves", `{"detail":{"object":[{"exists":true}]}}`, false},
		{"an empty array is absent", `{"detail":{"none":[{"exists":false}]}}`, true},
		{"not exists", `{"detail":{"absent":[{"exists":false}]}}`, true},
		{"not exists, deeper", `{"detail":{"absent":{"deeper":[{"exists":false}]}}}`, true},
		{"absent or a value", `{"detail":{"reason":[{"exists":false},"PutObject"]}}`, true},
		{"null", `{"detail":{"nothing":[null]}}`, true},
		{"null is not absence", `{"detail":{"absent":[null]}}`, false},
		{"empty string", `{"detail":{"object":{"etag":[""]}}}`, true},
		{"bool", `{"detail":{"done":[true]}}`, true},
		{"cidr", `{"detail":{"source-ip-address":[{"cidr":"10.0.0.0/24"}]}}`, true},
		{"other cidr", `{"detail":{"source-ip-address":[{"cidr":"10.0.1.0/24"}]}}`, false},
		{"or, second", `{"$or":[{"source":["aws.ec2"]},{"detail":{"reason":["PutObject"]}}]}`, true},
		{"or, none", `{"$or":[{"source":["aws.ec2"]},{"detail":{"reason":["CopyObject"]}}]}`, false},
		{"or, deeper, and a field", `{"detail":{"done":[true],"$or":[{"reason":["x"]},{"object":{"size":[1024]}}]}}`, true},
		{
			"or does not replace the field", `{"detail":{"done":[false],"$or":[{"reason":["x"]},{"object":{"size":[1024]}}]}}`,
			false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			pattern, err := events.ParsePattern([]byte(c.pattern))
			if err != nil {
				t.Fatal(err)
			}
			if got := pattern.Match([]byte(s3Event)); got != c.want {
				t.Errorf("%s matches: %v, want %v", c.pattern, got, c.want)
			}
		})
	}
}

func TestPatternRefuses(t *testing.T) {
	for _, c := range []struct{ name, pattern, want string }{
		{"no JSON", `{`, "unexpected EOF"},
		{"no object", `["a"]`, "Filter is not an object"},
		{"a bare value", `{"source":"aws.s3"}`, `"source" must be an object or an array`},
		{"an empty array", `{"source":[]}`, "Empty arrays"},
		{"an empty object", `{"detail":{}}`, "Empty objects"},
		{"an unknown operator", `{"source":[{"regex":"a"}]}`, "Unrecognized match type regex"},
		{
			"an unknown operator in anything-but", `{"source":[{"anything-but":{"regex":"a"}}]}`,
			"Unrecognized match type regex",
		},
		{"two operators", `{"source":[{"prefix":"a","suffix":"b"}]}`, "only one key"},
		{"an unknown comparison", `{"a":[{"numeric":["!=",1]}]}`, "!="},
		{"a limit that is no number", `{"a":[{"numeric":["<","1"]}]}`, "must be a number"},
		{"exists of a string", `{"a":[{"exists":"yes"}]}`, "true or false"},
		{"consecutive stars", `{"a":[{"wildcard":"a**b"}]}`, "consecutive"},
		{"an unknown escape", `{"a":[{"wildcard":"a\\b"}]}`, "escape"},
		{"or with one", `{"$or":[{"a":[1]}]}`, "at least two"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := events.ParsePattern([]byte(c.pattern))
			if err == nil || !strings.HasPrefix(err.Error(), "InvalidEventPatternException: ") ||
				!strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzPattern(f *testing.F) {
	f.Add(`{"source":["aws.s3"],"$or":[{"a":[{"prefix":"x"}]},{"b":[{"numeric":[">",0]}]}]}`, s3Event)
	f.Add(`{"a":[{"wildcard":"*a*\\*"}]}`, `{"a":["xa*"]}`)
	f.Add(`{"a":[{"anything-but":{"suffix":["x"]}}]}`, `{"a":[[{"b":1}],2]}`)
	f.Fuzz(func(t *testing.T, pattern, event string) {
		p, err := events.ParsePattern([]byte(pattern))
		if err != nil {
			return
		}
		if first, again := p.Match([]byte(event)), p.Match([]byte(event)); first != again {
			t.Error("a match is not repeatable")
		}
	})
}
