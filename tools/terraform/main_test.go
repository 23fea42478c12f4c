package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestModule compares the module in examples/terraform with the template.
func TestModule(t *testing.T) {
	files, err := module("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// Each parameter and output is there, however the template is read.
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, file, pattern string }{
		{"\nParameters:\n", "\nMappings:\n", "variables.tf", `(?m)^variable `},
		{"\nParameters:\n", "\nMappings:\n", "parameters.tf", `(?m)^    \w+ += `},
		{"\nOutputs:\n", "", "outputs.tf", `(?m)^output `},
	} {
		_, section, _ := strings.Cut(string(text), c.from)
		if c.to != "" {
			section, _, _ = strings.Cut(section, c.to)
		}
		want := len(regexp.MustCompile(`(?m)^  \w+:$`).FindAllString(section, -1))
		got := len(regexp.MustCompile(c.pattern).FindAllString(files[c.file], -1))
		if want == 0 || got != want {
			t.Errorf("%s has %d of %d", c.file, got, want)
		}
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("../../examples/terraform", name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s: run go generate ./tools/terraform (-template +module)\n%s", name, diff)
		}
	}
}

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{
		"UserPoolArns": "user_pool_arns", "KmsKeyArn": "kms_key_arn", "IdColumn": "id_column", "Mapping": "mapping",
	} {
		if got := snake(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
