package functions_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What calls methods by a name that is known only when it runs keeps the linker from dropping any exported method, and
// makes each function up to twice as large. See docs/adr/0012-package-size.md.
func TestPackageSize(t *testing.T) {
	const tags = "-tags=lambda.norpc" // as the Makefile and template.yaml build them
	out, err := exec.Command("go", "list", "-deps", tags, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	linked := strings.Fields(string(out))
	if len(linked) < 100 {
		t.Fatalf("only %d packages are linked: %s", len(linked), out)
	}
	for _, path := range linked {
		for _, heavy := range []string{"text/template", "html/template", "net/rpc", "google.golang.org/protobuf"} {
			if path == heavy || strings.HasPrefix(path, heavy+"/") {
				t.Error("the functions link", path)
			}
		}
	}
}
