package iam

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExcess(t *testing.T) {
	const bucket = "arn:aws:s3:::inbox"
	exact := `{"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectVersion"],
		"Resource": ["` + bucket + `/a/*", "` + bucket + `/b/*"]}`
	all := [][2]string{
		{"s3:GetObject", bucket + "/a/1"},
		{"s3:GetObjectVersion", bucket + "/a/1"},
		{"s3:GetObject", bucket + "/b/1"},
		{"s3:GetObjectVersion", bucket + "/b/1"},
	}
	tests := []struct {
		name       string
		statements string
		asked      [][2]string
		want       []string
	}{
		{"all used", exact, all, nil},
		{"never asked", exact, nil, []string{"greet p/Read: the statement is never needed"}},
		{
			"an action", exact,
			[][2]string{all[0], all[2]},
			[]string{"greet p/Read s3:GetObjectVersion: the action is never used"},
		},
		{"a resource", exact, all[:2], []string{"greet p/Read arn:aws:s3:::inbox/b/*: the resource is never used"}},
		{
			"a pair", exact, all[:3],
			[]string{"greet p/Read s3:GetObjectVersion arn:aws:s3:::inbox/b/*: never used together"},
		},
		{
			"a broad grant beside an exact one",
			"[" + exact + `, {"Sid": "All", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}]`, all,
			[]string{"greet p/Read: other statements allow the same", "greet p/All: the statement is never needed"},
		},
		{
			"a wildcard in a statement's actions",
			`{"Effect": "Allow", "Action": ["s3:GetObject", "s3:*"], "Resource": "*"}`, all[:1],
			[]string{"greet p/0 s3:*: the action has a wildcard", "greet p/0 s3:*: the action is never used"},
		},
		{
			"NotAction", `{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}`, all,
			[]string{"greet p/0: NotAction and NotResource allow what nobody named", "greet p/0 *: the action has a wildcard"},
		},
		{
			"denied requests use nothing",
			"[" + exact + `, {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]`, all,
			[]string{"greet p/Read: the statement is never needed"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewRole(roleARN, Policy{Name: "p", Document: parse(t, RolePolicy, tt.statements)})
			for _, ask := range tt.asked {
				r.Allows(ask[0], ask[1], nil)
			}
			var got []string
			for _, e := range r.Excess() {
				got = append(got, e.String())
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestAsked(t *testing.T) {
	d := parse(t, RolePolicy, `{"Sid": "Send", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}`)
	r := NewRole(roleARN, Policy{Name: "p", Document: d})
	r.Session("a").Allows("sqs:SendMessage", "arn:q", nil)
	r.Session("b").Allows("sqs:SendMessage", "arn:q", nil)
	r.Session("b").Allows("sqs:DeleteMessage", "arn:q", nil)
	want := []Ask{
		{Action: "sqs:DeleteMessage", Resource: "arn:q", Denied: 1},
		{Action: "sqs:SendMessage", Resource: "arn:q", Allowed: 2, Statements: []string{"p/Send"}},
	}
	if d := cmp.Diff(want, r.Asked()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestMerge(t *testing.T) {
	d := parse(t, RolePolicy, `{"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:DeleteMessage"], "Resource": "*"}`)
	r := NewRole(roleARN, Policy{Name: "p", Document: d})
	for _, action := range []string{"sqs:SendMessage", "sqs:DeleteMessage", "sqs:DeleteMessage"} {
		run := NewRole(roleARN, Policy{Name: "p", Document: d})
		run.Allows(action, "arn:q", nil)
		r.Merge(run)
	}
	want := []Ask{
		{Action: "sqs:DeleteMessage", Resource: "arn:q", Allowed: 2, Statements: []string{"p/0"}},
		{Action: "sqs:SendMessage", Resource: "arn:q", Allowed: 1, Statements: []string{"p/0"}},
	}
	if d := cmp.Diff(want, r.Asked()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if excess := r.Excess(); excess != nil {
		t.Errorf("excess: %v", excess)
	}
}
