package functions_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// heavy are the packages that make a function large or slow to start, with the functions that may link them. Templates
// call methods by name, which keeps the linker from dropping any exported method. See docs/adr/0012-package-size.md.
var heavy = map[string][]string{
	"text/template":                   {"publish-result"},
	"html/template":                   {"publish-result"},
	"userdrop/internal/report":        {"publish-result"},
	"userdrop/internal/usercsv":       {"prepare-import", "publish-result"},
	"net/rpc":                         nil,
	"google.golang.org/protobuf":      {"prepare-import"}, // phone numbers
	"github.com/nyaruka/phonenumbers": {"prepare-import"},
	"userdrop/internal/mapping":       {"prepare-import"},
	"github.com/expr-lang/expr":       {"prepare-import"},
}

func TestPackageSize(t *testing.T) {
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		checked++
		const tags = "-tags=lambda.norpc" // as functions are built
		out, err := exec.Command("go", "list", "-deps", tags, "./"+folder.Name()).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		linked := strings.Fields(string(out))
		if len(linked) < 100 {
			t.Fatalf("%s links only %d packages: %s", folder.Name(), len(linked), out)
		}
		for _, path := range linked {
			for name, allowed := range heavy {
				below := strings.HasPrefix(path, name+"/") && !strings.HasPrefix(name, "userdrop/") // ours are small
				if (path == name || below) && !slices.Contains(allowed, folder.Name()) {
					t.Errorf("%s links %s", folder.Name(), path)
				}
			}
		}
	}
	if checked < 12 {
		t.Errorf("only %d functions were checked", checked)
	}
}
