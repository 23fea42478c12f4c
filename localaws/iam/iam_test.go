package iam

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/wire"
)

const roleARN = "arn:aws:iam::123456789012:role/path/greet"

func parse(t *testing.T, kind Kind, statements string) *Document {
	t.Helper()
	d, err := Parse(kind, []byte(`{"Version": "2012-10-17", "Statement": `+statements+`}`))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAllows(t *testing.T) {
	const bucket = "arn:aws:s3:::inbox"
	get := func(rest string) string {
		return `{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "` + bucket + `/incoming/*"` + rest + `}`
	}
	tests := []struct {
		name       string
		statements string
		action     string
		resource   string
		conditions map[string]string
		want       bool
	}{
		{"nothing said", `[]`, "s3:GetObject", bucket + "/incoming/a", nil, false},
		{"exact action", get(""), "s3:GetObject", bucket + "/incoming/a/b", nil, true},
		{"case of the action", get(""), "s3:getobject", bucket + "/incoming/a", nil, true},
		{"other action", get(""), "s3:GetObjectVersion", bucket + "/incoming/a", nil, false},
		{"case of the resource", get(""), "s3:GetObject", bucket + "/Incoming/a", nil, false},
		{"other resource", get(""), "s3:GetObject", bucket + "/check/a", nil, false},
		{
			"question mark", `{"Effect": "Allow", "Action": "s3:GetObjec?", "Resource": "arn:aws:s3:::inbo?/*"}`,
			"s3:GetObject", bucket + "/a", nil, true,
		},
		{
			"wildcards that have to go back", `{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::*/a*b"}`,
			"s3:GetObject", bucket + "/axb/acb", nil, true,
		},
		{
			"denial outweighs", `[` + get("") + `, {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]`,
			"s3:GetObject", bucket + "/incoming/a", nil, false,
		},
		{
			"NotAction", `{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}`, "sqs:SendMessage",
			"arn:aws:sqs:eu-west-1:123456789012:q", nil, true,
		},
		{
			"NotAction names it", `{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}`, "s3:GetObject",
			bucket + "/a", nil, false,
		},
		{
			"NotResource", `{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "` + bucket + `/secret/*"}`,
			"s3:GetObject", bucket + "/secret/a", nil, false,
		},
		{
			"the caller's account", get(`, "Condition": {"StringEquals": {"aws:ResourceAccount": "123456789012"}}`),
			"s3:GetObject", bucket + "/incoming/a", nil, true,
		},
		{
			"another account", get(`, "Condition": {"StringEquals": {"aws:PrincipalAccount": "210987654321"}}`),
			"s3:GetObject", bucket + "/incoming/a", nil, false,
		},
		{
			"passed to the service", get(`, "Condition": {"StringEquals": {"iam:PassedToService": ["a", "b"]}}`),
			"s3:GetObject", bucket + "/incoming/a",
			map[string]string{"IAM:passedtoservice": "b"},
			true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewRole(roleARN, Policy{Name: "p", Document: parse(t, RolePolicy, tt.statements)})
			if got := r.Session("s").Allows(tt.action, tt.resource, tt.conditions); got != tt.want {
				t.Errorf("allowed: %t, want %t", got, tt.want)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	const source = "arn:aws:events:eu-west-1:123456789012:rule/drop"
	tests := []struct {
		condition string
		value     string // "" means that the key is not there
		want      bool
	}{
		{`{"StringEquals": {"k": "a"}}`, "a", true},
		{`{"StringEquals": {"k": "a"}}`, "A", false},
		{`{"StringEquals": {"k": "a"}}`, "", false},
		{`{"StringEqualsIfExists": {"k": "a"}}`, "", true},
		{`{"StringEqualsIfExists": {"k": "a"}}`, "b", false},
		{`{"StringNotEquals": {"k": ["a", "b"]}}`, "b", false},
		{`{"StringNotEquals": {"k": ["a", "b"]}}`, "c", true},
		{`{"StringNotEquals": {"k": "a"}}`, "", true},
		{`{"StringEqualsIgnoreCase": {"k": "a"}}`, "A", true},
		{`{"StringNotEqualsIgnoreCase": {"k": "a"}}`, "A", false},
		{`{"StringLike": {"k": "a*c"}}`, "abbc", true},
		{`{"StringNotLike": {"k": "a*c"}}`, "abbc", false},
		{`{"ArnEquals": {"k": "` + source + `"}}`, source, true},
		{`{"ArnLike": {"k": "arn:aws:events:*:123456789012:rule/*"}}`, source, true},
		{`{"ArnLike": {"k": "arn:aws:events:*"}}`, source, false},
		{`{"ArnLike": {"k": "*"}}`, source, false},
		{`{"ArnNotLike": {"k": "arn:aws:events:*:123456789012:rule/*"}}`, source, false},
		{`{"ArnNotEquals": {"k": "` + source + `"}}`, source + "2", true},
		{`{"Bool": {"k": false}}`, "false", true},
		{`{"Bool": {"k": "true"}}`, "false", false},
		{`{"NumericEquals": {"k": 5}}`, "5.0", true},
		{`{"NumericNotEquals": {"k": 5}}`, "5", false},
		{`{"NumericLessThan": {"k": "5"}}`, "5", false},
		{`{"NumericLessThanEquals": {"k": "5"}}`, "5", true},
		{`{"NumericGreaterThan": {"k": "5"}}`, "6", true},
		{`{"NumericGreaterThanEquals": {"k": "5"}}`, "4", false},
		{`{"NumericLessThan": {"k": "5"}}`, "few", false},
		{`{"Null": {"k": "true"}}`, "", true},
		{`{"Null": {"k": "true"}}`, "a", false},
		{`{"StringEquals": {"k": "a"}, "Null": {"other": "false"}}`, "a", false},
	}
	for _, tt := range tests {
		t.Run(tt.condition+" "+tt.value, func(t *testing.T) {
			d := parse(t, ResourcePolicy, `{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
				"Action": "sqs:SendMessage", "Resource": "*", "Condition": `+tt.condition+`}`)
			given := map[string]string{}
			if tt.value != "" {
				given["K"] = tt.value
			}
			if got := AllowsService(d, "events.amazonaws.com", "sqs:SendMessage", "arn:x", given); got != tt.want {
				t.Errorf("allowed: %t, want %t", got, tt.want)
			}
		})
	}
}

func TestPrincipals(t *testing.T) {
	session := Request{Principal: roleARN, Account: "123456789012"}
	tests := []struct {
		name      string
		principal string
		request   Request
		want      Effect
	}{
		{"the service", `{"Service": ["a.amazonaws.com", "b.amazonaws.com"]}`, Request{Service: "b.amazonaws.com"}, Allow},
		{"another service", `{"Service": "a.amazonaws.com"}`, Request{Service: "b.amazonaws.com"}, Silent},
		{"a role is no service", `{"Service": "a.amazonaws.com"}`, session, Silent},
		{"anybody", `"*"`, session, Allow},
		{"anybody of AWS", `{"AWS": "*"}`, session, Allow},
		{"the role", `{"AWS": "` + roleARN + `"}`, session, Allow},
		{"its account", `{"AWS": "arn:aws:iam::123456789012:root"}`, session, Allow},
		{"its account's number", `{"AWS": "123456789012"}`, session, Allow},
		{"another account", `{"AWS": "210987654321"}`, session, Silent},
		{"a service is no role", `{"AWS": "123456789012"}`, Request{Service: "a.amazonaws.com"}, Silent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, ResourcePolicy, `{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*", "Principal": `+
				tt.principal+`}`)
			tt.request.Action, tt.request.Resource = "sns:Publish", "arn:x"
			if got := d.Evaluate(tt.request); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
	var none *Document
	if got := none.Evaluate(session); got != Silent {
		t.Errorf("no document says %v", got)
	}
}

func TestTrust(t *testing.T) {
	d := parse(t, TrustPolicy, `{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"},
		"Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}`)
	tests := []struct {
		name, service, account string
		want                   bool
	}{
		{"itself", "states.amazonaws.com", "123456789012", true},
		{"for another account", "states.amazonaws.com", "210987654321", false},
		{"without saying for whom", "states.amazonaws.com", "", false},
		{"another service", "lambda.amazonaws.com", "123456789012", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			given := map[string]string{}
			if tt.account != "" {
				given["aws:SourceAccount"] = tt.account
			}
			if got := TrustsService(d, tt.service, given); got != tt.want {
				t.Errorf("trusted: %t, want %t", got, tt.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	const allow = `"Effect": "Allow", "Action": "s3:GetObject"`
	statement := func(s string) string { return `{"Version": "2012-10-17", "Statement": {` + s + `}}` }
	tests := []struct {
		name     string
		kind     Kind
		document string
		want     string
	}{
		{"old version", RolePolicy, `{"Version": "2008-10-17", "Statement": []}`, `"2008-10-17": only 2012-10-17 is known`},
		{"no statement", RolePolicy, `{"Version": "2012-10-17"}`, "needs a Statement"},
		{"unknown element", RolePolicy, statement(allow + `, "Resource": "*", "Resources": "*"`), `"Resources"`},
		{"NotPrincipal", ResourcePolicy, statement(allow + `, "Resource": "*", "NotPrincipal": "*"`), `"NotPrincipal"`},
		{"neither allowed nor denied", RolePolicy, statement(`"Effect": "allow"`), `Effect "allow"`},
		{"no action", RolePolicy, statement(`"Effect": "Allow", "Resource": "*"`), "one of Action and NotAction"},
		{
			"a Sid with a space", RolePolicy, statement(`"Sid": "read all", ` + allow + `, "Resource": "*"`),
			"the Sid may have the characters",
		},
		{
			"an action with a space", RolePolicy, statement(`"Effect": "Allow", "Action": "s3:Get Object", "Resource": "*"`),
			`action "s3:Get Object"`,
		},
		{
			"an action of two parts too many", RolePolicy, statement(`"Effect": "Allow", "Action": "s3:Get:Object"`),
			`action "s3:Get:Object"`,
		},
		{
			"an action of any service", RolePolicy, statement(`"Effect": "Allow", "Action": "s*:GetObject"`),
			`action "s*:GetObject"`,
		},
		{"action without service", RolePolicy, statement(`"Effect": "Allow", "Action": "Get"`), `action "Get"`},
		{"no ARN", RolePolicy, statement(allow + `, "Resource": "inbox/*"`), `resource "inbox/*"`},
		{"both resources", RolePolicy, statement(allow + `, "Resource": "*", "NotResource": "*"`), "exclude each other"},
		{"variable", RolePolicy, statement(allow + `, "Resource": "arn:aws:s3:::a/${aws:username}"`), "policy variables"},
		{
			"set operator", RolePolicy,
			statement(`"Sid": "S", ` + allow + `, "Resource": "*", "Condition": {"ForAnyValue:StringEquals": {"a": "b"}}`),
			`statement S: condition operator "ForAnyValue:StringEquals" is not known to the local double`,
		},
		{
			"date", RolePolicy, statement(allow + `, "Resource": "*", "Condition": {"DateLessThan": {"a": "b"}}`),
			`"DateLessThan"`,
		},
		{
			"NullIfExists", RolePolicy, statement(allow + `, "Resource": "*", "Condition": {"NullIfExists": {"a": "true"}}`),
			`"NullIfExists"`,
		},
		{
			"principal in a role's policy", RolePolicy, statement(allow + `, "Resource": "*", "Principal": "*"`),
			"Principal is not allowed",
		},
		{"no resource", RolePolicy, statement(allow), "Resource is required"},
		{
			"resource in a trust policy", TrustPolicy, statement(allow + `, "Resource": "*", "Principal": "*"`),
			"Resource is not allowed",
		},
		{"nobody trusted", TrustPolicy, statement(allow), "Principal is required"},
		{"federated", TrustPolicy, statement(allow + `, "Principal": {"Federated": "x"}`), `"Federated"`},
		{"principal as text", TrustPolicy, statement(allow + `, "Principal": "me"`), `Principal "me"`},
		{
			"the same Sid", RolePolicy, `{"Version": "2012-10-17", "Statement": [{"Sid": "A", ` + allow +
				`, "Resource": "*"}, {"Sid": "A", ` + allow + `, "Resource": "*"}]}`, "the Sid is not unique",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.kind, []byte(tt.document))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	session := NewRole(roleARN).Session("greet-1")
	var keys, again Keys
	c := keys.Issue(session)
	if d := cmp.Diff(c, again.Issue(session)); d != "" {
		t.Errorf("other credentials the second time (-first +second)\n%s", d)
	}
	if c.AccessKeyID == keys.Issue(NewRole(roleARN).Session("greet-2")).AccessKeyID {
		t.Error("two sessions share an access key id")
	}
	sign := func(id string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+id+
			"/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0")
		return r
	}
	tests := []struct {
		name    string
		request *http.Request
		want    string // the caller's ARN, or the error's code
	}{
		{"header", sign(c.AccessKeyID), "arn:aws:sts::123456789012:assumed-role/greet/greet-1"},
		{
			"presigned", httptest.NewRequest(http.MethodGet, "/?X-Amz-Credential="+c.AccessKeyID+"%2F20260101%2Fx", nil),
			"arn:aws:sts::123456789012:assumed-role/greet/greet-1",
		},
		{"administrator", sign("AKIAIOSFODNN7EXAMPLE"), "administrator"},
		{"session nobody opened", sign("ASIAIOSFODNN7EXAMPLE"), "UnrecognizedClientException"},
		{"nobody", httptest.NewRequest(http.MethodGet, "/", nil), "MissingAuthenticationToken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := keys.Caller(tt.request)
			got := "administrator"
			switch {
			case err != nil:
				got = wire.AsError(err).Code
			case p != nil:
				got = p.ARN()
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// FuzzGlob holds the matcher to a plain recursive one.
func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "aXXbYc")
	f.Add("**", "")
	f.Add("*a*a*", "aa")
	var slow func(p, s string) bool
	slow = func(p, s string) bool {
		switch {
		case p == "":
			return s == ""
		case p[0] == '*':
			return slow(p[1:], s) || s != "" && slow(p, s[1:])
		}
		return s != "" && (p[0] == '?' || p[0] == s[0]) && slow(p[1:], s[1:])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 8 || len(s) > 12 {
			return
		}
		if got, want := glob(pattern, s), slow(pattern, s); got != want {
			t.Errorf("glob(%q, %q) = %t, want %t", pattern, s, got, want)
		}
	})
}
