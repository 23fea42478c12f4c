package diagram_test

import (
	"flag"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop"
	"userdrop/localaws/stepfunctions"
	"userdrop/tools/diagram"
)

var update = flag.Bool("update", false, "write docs/internals/state-machines.md")

const intro = `# State machines

Every state and transition, drawn from the definitions in ` + "`statemachine/`" + `. A dotted arrow is a caught error.
` + "`go test ./tools/diagram -update`" + ` writes this document.
`

// TestDocument compares the diagrams of the document with the definitions.
func TestDocument(t *testing.T) {
	const document = "../../docs/internals/state-machines.md"
	entries, err := userdrop.Deployed.ReadDir("statemachine")
	if err != nil || len(entries) < 3 {
		t.Fatalf("%d definitions: %v", len(entries), err)
	}
	want := intro
	for _, e := range entries {
		source, err := userdrop.Deployed.ReadFile(path.Join("statemachine", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		definition, err := stepfunctions.Parse(source)
		if err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		want += "\n## " + strings.TrimSuffix(e.Name(), ".asl.json") + "\n\n"
		want += "```mermaid\n" + diagram.Mermaid(definition) + "```\n"
	}
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("the document is out of date: go test ./tools/diagram -update (-want +got):\n%s", diff)
	}
}
