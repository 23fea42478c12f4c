package diagram_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop"
	"userdrop/localaws/stepfunctions"
	"userdrop/tools/diagram"
)

var update = flag.Bool("update", false, "draw the diagrams of docs/architecture.md again")

// TestArchitecture compares the diagrams in the document with the definitions.
func TestArchitecture(t *testing.T) {
	const document = "../../docs/architecture.md"
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	drawn := string(text)
	for _, name := range []string{"import-users", "import-job", "abort-import"} {
		source, err := userdrop.Deployed.ReadFile("statemachine/" + name + ".asl.json")
		if err != nil {
			t.Fatal(err)
		}
		definition, err := stepfunctions.Parse(source)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		begin, end := fmt.Sprintf("<!-- begin %s -->\n", name), fmt.Sprintf("<!-- end %s -->\n", name)
		before, rest, ok1 := strings.Cut(drawn, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok1 || !ok2 {
			t.Fatalf("%s has no place for %s", document, name)
		}
		drawn = before + begin + "```mermaid\n" + diagram.Mermaid(definition) + "```\n" + end + after
	}
	if *update {
		if err := os.WriteFile(document, []byte(drawn), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(drawn, string(text)); diff != "" {
		t.Errorf("the diagrams are not the definitions' "+
			"(go test ./tools/diagram -update draws them; -want +got):\n%s", diff)
	}
}
