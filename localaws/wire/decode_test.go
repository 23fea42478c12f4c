package wire_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/wire"
)

func TestDecode(t *testing.T) {
	type inner struct{ KeyARN string }
	type input struct {
		JobName    string
		UserPoolID *string
		Inner      inner
		List       []inner
		ByName     map[string]inner
		Tagged     string `json:"id"`
	}
	pool := "p"
	full := input{
		JobName: "j", UserPoolID: &pool, Inner: inner{"a"}, List: []inner{{"b"}},
		ByName: map[string]inner{"x": {"c"}}, Tagged: "t",
	}
	for _, c := range []struct {
		name, text string
		naming     wire.Naming
		want       input
		err        string
	}{
		{
			name: "exact", want: full, text: `{"JobName":"j","UserPoolId":"p","Inner":{"KeyArn":"a"},` +
				`"List":[{"KeyArn":"b"}],"ByName":{"x":{"KeyArn":"c"}},"id":"t"}`,
		},
		{
			name: "camel", naming: wire.Camel, want: full, text: `{"jobName":"j","userPoolId":"p",` +
				`"inner":{"keyArn":"a"},"list":[{"keyArn":"b"}],"byName":{"x":{"keyArn":"c"}},"id":"t"}`,
		},
		{name: "another case", text: `{"userpoolid":"p"}`, err: `unknown field "userpoolid"`},
		{name: "the field's own name", text: `{"UserPoolID":"p"}`, err: `unknown field "UserPoolID"`},
		{name: "another naming", text: `{"jobName":"j"}`, err: `unknown field "jobName"`},
		{name: "in a member", text: `{"Inner":{"keyArn":"a"}}`, err: `unknown field "keyArn"`},
		{name: "in a list", text: `{"List":[{"keyArn":"j"}]}`, err: `unknown field "keyArn"`},
		{name: "in a map", text: `{"ByName":{"x":{"keyarn":"c"}}}`, err: `unknown field "keyarn"`},
		{name: "null", text: `{"Inner":null,"List":null,"UserPoolId":null}`},
		{
			name: "wrong type", text: `{"JobName":1}`,
			err: "json: cannot unmarshal number into Go struct field input.JobName of type string",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got input
			err := wire.Decode([]byte(c.text), &got, c.naming)
			if (err != nil) != (c.err != "") || err != nil && err.Error() != c.err {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			if diff := cmp.Diff(c.want, got); err == nil && diff != "" {
				t.Error("(-want +got):\n" + diff)
			}
		})
	}
}
