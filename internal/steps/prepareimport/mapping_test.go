package prepareimport_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
	"userdrop/internal/convert"
	"userdrop/internal/mapping"
	"userdrop/internal/phonenumber"
	"userdrop/internal/usercsv"
)

// people is an export of a product that nobody knows.
const people = "id;mail;state\n1;ada@example.com;on\n2;grace@example.com;off\n3;bad;on\n4;;on\n"

// mine is a mapping of it.
const mine = `{"schema": "userdrop.mapping/v1", "name": "mine", "id": "id", "columns": {"cognito:username": "'u' + id",
	"email": "mail", "email_verified": "mail != nil"}, "exclude": [{"if": "state == 'off'", "because": "deactivated"},
	{"if": "mail == nil", "because": "no-address", "text": "There is no address."}]}`

// TestMapping drops an export as it is, with its mapping in each of the places where one is looked for.
func TestMapping(t *testing.T) {
	okta := "id,status,login,email,firstName,lastName,state\n00u1,ACTIVE,ada,ada@example.com,Ada,Vale,NV\n" +
		"00u2,SUSPENDED,grace,grace@example.com,Grace,Vale,NV\n"
	for _, c := range []struct {
		name       string
		objects    map[string]string
		parameter  string
		file, want string
	}{
		{"in the manifest", map[string]string{
			"incoming/" + pool + "/users.csv.manifest.json": `{"rows": 4, "mapping": ` + mine + `}`,
		}, "", people, "PARTIAL read 4 excluded 2 rejected 1 imported 1 by mine"},
		{
			"of the pool",
			map[string]string{"mappings/" + pool + ".json": mine},
			"okta", people,
			"PARTIAL read 4 excluded 2 rejected 1 imported 1 by mine",
		},
		{"of the stack", nil, "okta", okta, "SUCCEEDED read 2 excluded 1 rejected 0 imported 1 by okta"},
		{"by name in the manifest", map[string]string{
			"incoming/" + pool + "/users.csv.manifest.json": `{"mapping": "okta"}`, "mappings/" + pool + ".json": mine,
		}, "", okta, "SUCCEEDED read 2 excluded 1 rejected 0 imported 1 by okta"},
		{
			"by name for the pool",
			map[string]string{"mappings/" + pool + ".json": `"okta"`},
			"", okta,
			"SUCCEEDED read 2 excluded 1 rejected 0 imported 1 by okta",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, stack{parameters: map[string]string{"Mapping": c.parameter}}, func(t *testing.T, w world) {
				for key, text := range c.objects {
					w.put(key, text)
				}
				r := w.drop("incoming/"+pool+"/users.csv", c.file)
				if got := describe(r); got != c.want {
					t.Errorf("%s, want %s: %s", got, c.want, encoded(t, r.Problems))
				}
			})
		})
	}
}

// describe is a result in a line.
func describe(r *contract.Result) string {
	text := string(r.Verdict)
	if r.Verdict == contract.VerdictRejected {
		return text + " " + strings.Join(codes(r.Problems), " ")
	}
	by := "no mapping"
	if r.Mapping != nil {
		by = r.Mapping.Name
	}
	rows := r.Rows
	for _, n := range []struct {
		what string
		n    int64
	}{
		{"read", rows.Read}, {"excluded", rows.Excluded}, {"rejected", rows.Rejected}, {"imported", rows.Counts().Imported},
	} {
		text += " " + n.what + " " + string(rune('0'+n.n))
	}
	return text + " by " + by
}

// TestMappedResult looks at what a mapped drop hands back.
func TestMappedResult(t *testing.T) {
	inWorld(t, stack{}, func(t *testing.T, w world) {
		w.put("mappings/"+pool+".json", mine)
		r := w.drop("incoming/"+pool+"/users.csv", people)
		m, err := mapping.Parse([]byte(mine))
		if err != nil {
			t.Fatal(err)
		}
		want := &contract.Mapping{Name: "mine", SHA256: m.SHA256(), Columns: []contract.MappedColumn{
			{Column: "id", As: []string{"cognito:username", "userdrop:id"}, Values: 4},
			{Column: "mail", As: []string{"email", "email_verified"}, Decides: true, Values: 3},
			{Column: "state", Decides: true, LeftOut: "it only decides which rows are taken", Values: 4},
		}}
		if diff := cmp.Diff(want, r.Mapping); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		excluded := []contract.ExcludedRows{{Because: "deactivated", Count: 1}, {Because: "no-address", Count: 1}}
		if diff := cmp.Diff(excluded, r.Excluded); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		files := map[string]string{
			r.Files.Excluded: "\ufeffid;mail;state;userdrop:line;userdrop:id;userdrop:because;userdrop:message;userdrop:raw\n" +
				"2;grace@example.com;off;3;2;deactivated;;\"\"\n4;;on;5;4;no-address;There is no address.;\"\"\n",
			r.Files.Failed: "\ufeffid;mail;state;userdrop:line;userdrop:code;userdrop:message;userdrop:raw\n" +
				"3;bad;on;4;BadEmail;",
		}
		for url, want := range files {
			text := w.result(url)
			if !strings.HasPrefix(text, want) {
				t.Errorf("%s is %q, want %q", url, text, want)
			}
		}
	})
}

// result returns a file of the results bucket.
func (w world) result(url string) string {
	w.t.Helper()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(url, "s3://"), "/")
	text, err := w.S3.Get(bucket, key)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// TestMappedSchedule takes a nightly export, unedited, beside a file that is refused.
func TestMappedSchedule(t *testing.T) {
	inWorld(t, stack{}, func(t *testing.T, w world) {
		w.put("mappings/"+pool+".json", mine)
		w.put("scheduled/"+pool+"/a.csv", people)
		w.put("scheduled/"+pool+"/b.csv", "id;mail;state;salary\n9;eve@example.com;on;1\n")
		w.put("scheduled/"+pool+"/c.csv.manifest.json", `{"mapping": "okta"}`)
		w.put("scheduled/"+pool+"/c.csv", "id,status,login,email,firstName,lastName\n1,ACTIVE,kay,kay@example.com,Kay,Vale\n")
		r := w.sweep()
		if r.Verdict != contract.VerdictPartial || r.Rows.Read != 5 || r.Rows.Excluded != 2 || r.Rows.Counts().Imported != 2 {
			t.Errorf("%s %s", r.Verdict, encoded(t, r.Rows))
		}
		if got := codes(r.Sources[1].Problems); !cmp.Equal(got, []string{"UnknownColumn"}) {
			t.Errorf("the file with an unknown column has the problems %q", got)
		}
		if r.Sources[0].Mapping.Name != "mine" || r.Sources[2].Mapping.Name != "okta" || r.Mapping != nil {
			t.Errorf("mappings %s", encoded(t, r.Sources))
		}
		if r.Sources[0].Files.Excluded == "" || r.Files.Excluded != "" {
			t.Errorf("files %s", encoded(t, r.Sources))
		}
	})
}

// TestBadMapping refuses a drop whose mapping is not usable, and says where.
func TestBadMapping(t *testing.T) {
	for _, c := range []struct{ name, mapping, want string }{
		{"no JSON", `{`, "mappings/" + pool + ".json in the inbox has a mapping with mistakes"},
		{
			"mistakes", `{"schema": "userdrop.mapping/v1", "name": "x", "columns": {"email": "mail +", "name": "f(x)"}}`,
			"columns.email:6: unexpected token EOF; columns.name:1: there is no function f",
		},
		{
			"an attribute that the pool lacks",
			`{"schema": "userdrop.mapping/v1", "name": "x", "columns": {"custom:no": "mail"}}`,
			`columns.custom:no: the user pool has no attribute "custom:no"`,
		},
		{"a name that is none", `"octa"`, `names the mapping "octa", and there is no built-in mapping of that name`},
		{"too large", mine + strings.Repeat(" ", mapping.MaxSize), "a mapping has 262144 at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, stack{}, func(t *testing.T, w world) {
				w.put("mappings/"+pool+".json", c.mapping)
				r := w.drop("incoming/"+pool+"/users.csv", people)
				if describe(r) != "REJECTED BadMapping" || !strings.Contains(r.Problems[0].Message, c.want) {
					t.Errorf("%s, want %q", encoded(t, r.Problems), c.want)
				}
			})
		})
	}
}

// TestUnmappedExport: nothing is mapped unasked, but the message names the mapping.
func TestUnmappedExport(t *testing.T) {
	export, err := os.ReadFile("../../mapping/builtin/shopify/export.csv")
	if err != nil {
		t.Fatal(err)
	}
	inWorld(t, stack{}, func(t *testing.T, w world) {
		r := w.drop("incoming/"+pool+"/users.csv", string(export))
		want := "The file looks like an export of Shopify: import it as it is by the setting Mapping shopify."
		if r.Verdict != contract.VerdictRejected || !strings.HasPrefix(r.Problems[0].Message, want) {
			t.Errorf("%s", encoded(t, r.Problems))
		}
	})
}

// TestMappingParameter: the template's list has all built-in mappings, and no other.
func TestMappingParameter(t *testing.T) {
	text, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, parameter, _ := strings.Cut(string(text), "\n  Mapping:\n")
	_, list, _ := strings.Cut(parameter, "AllowedValues:\n      - \"\"\n")
	list, _, _ = strings.Cut(list, "    Description")
	var named []string
	for line := range strings.Lines(list) {
		named = append(named, strings.TrimPrefix(strings.TrimSpace(line), "- "))
	}
	if diff := cmp.Diff(mapping.BuiltinNames(), named); diff != "" {
		t.Errorf("-built in +template\n%s", diff)
	}
}

// TestBuiltinExports drops the sample of each built-in mapping, unedited, and compares its counts with what convert
// makes of it for the same pool.
func TestBuiltinExports(t *testing.T) {
	text, err := os.ReadFile("../../../examples/pool.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := usercsv.ParsePool(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range mapping.BuiltinNames() {
		export := "../../mapping/builtin/" + name + "/export.csv"
		file, err := os.ReadFile(export)
		if err != nil {
			continue // JSON is for convert alone
		}
		m, _ := mapping.Builtin(name)
		t.Run(name, func(t *testing.T) {
			inWorld(t, stack{parameters: map[string]string{"Mapping": name}}, func(t *testing.T, w world) {
				r := w.drop("incoming/"+pool+"/export.csv", string(file))
				account, err := convert.Job{
					Export: export, Name: "export.csv", Mapping: m, Pool: p, Out: t.TempDir(),
					Settings: usercsv.Settings{PhoneNumbers: phonenumber.New(), Began: r.StartedAt},
				}.Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				want := convert.Rows{
					Read: int(r.Rows.Read), Excluded: int(r.Rows.Excluded), Rejected: int(r.Rows.Rejected),
					Passing: int(r.Rows.Submitted),
				}
				if diff := cmp.Diff(want, account.Rows); diff != "" {
					t.Errorf("%s %s (-import +convert)\n%s", r.Verdict, encoded(t, r.Problems), diff)
				}
				if r.Rows.Excluded > 0 && r.Files.Excluded == "" || r.Verdict == contract.VerdictErrored {
					t.Errorf("%s, files %s", r.Verdict, encoded(t, r.Files))
				}
			})
		})
	}
}
