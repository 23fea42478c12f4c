// Command definitions prints a CloudFormation template that has the given definitions of state machines inside it.
// cfn-lint does not open the files that template.yaml refers to, but it checks what stands in a template.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "definitions:", err)
		os.Exit(1)
	}
}

// substitution stands where CloudFormation writes an ARN, but for ${Partition}.
var substitution = regexp.MustCompile(`\$\{\w+\}`)

type resource struct {
	Type       string
	Properties properties
}

type properties struct {
	RoleArn    string
	Definition json.RawMessage
}

func run(files []string, out io.Writer) error {
	resources := map[string]resource{}
	for _, file := range files {
		definition, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".asl.json"), "-", "")
		resources[name] = resource{"AWS::StepFunctions::StateMachine", properties{
			RoleArn: "arn:aws:iam::123456789012:role/states",
			Definition: substitution.ReplaceAll(bytes.ReplaceAll(definition, []byte("${Partition}"), []byte("aws")),
				[]byte("arn:aws:lambda:us-east-1:123456789012:function:substituted")),
		}}
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(map[string]any{"Resources": resources})
}
