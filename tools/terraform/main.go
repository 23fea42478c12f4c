// Command terraform writes the variables, parameters and outputs of the Terraform module in examples/terraform from
// template.yaml. Run it after a change of the template's parameters or outputs: go generate ./tools/terraform
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:generate go run . ../../template.yaml ../../examples/terraform

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: terraform TEMPLATE DIR")
		os.Exit(64)
	}
	files, err := module(os.Args[1])
	for name, text := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(os.Args[2], name), []byte(text), 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "terraform:", err)
		os.Exit(1)
	}
}

// parameter is one of the template's parameters.
type parameter struct {
	Type          string   `yaml:"Type"`
	Description   string   `yaml:"Description"`
	Default       *string  `yaml:"Default"`
	AllowedValues []string `yaml:"AllowedValues"`
	NoEcho        bool     `yaml:"NoEcho"`
}

// module returns the generated files of the module.
func module(template string) (map[string]string, error) {
	text, err := os.ReadFile(template)
	if err != nil {
		return nil, err
	}
	var document struct {
		Parameters yaml.Node `yaml:"Parameters"`
		Outputs    yaml.Node `yaml:"Outputs"`
	}
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", template, err)
	}
	const head = "# Written by tools/terraform from template.yaml.\n"
	variables, parameters, outputs := strings.Builder{}, strings.Builder{}, strings.Builder{}
	variables.WriteString(head)
	parameters.WriteString(head + "\nlocals {\n  parameters = {\n")
	width := 0
	for name := range pairs(&document.Parameters) {
		width = max(width, len(name))
	}
	for name, node := range pairs(&document.Parameters) {
		var p parameter
		if err := node.Decode(&p); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		variables.WriteString("\n" + p.variable(name))
		fmt.Fprintf(&parameters, "    %-*s = %s\n", width, name, p.value(name))
	}
	parameters.WriteString("  }\n}\n")
	outputs.WriteString(head)
	for name, node := range pairs(&document.Outputs) {
		var o struct {
			Description string `yaml:"Description"`
		}
		if err := node.Decode(&o); err != nil {
			return nil, fmt.Errorf("output %s: %w", name, err)
		}
		fmt.Fprintf(&outputs, "\noutput %q {\n  description = %s\n  value       = aws_cloudformation_stack.userdrop.outputs[%q]\n}\n",
			snake(name), quote(o.Description), name)
	}
	return map[string]string{
		"variables.tf": variables.String(), "parameters.tf": parameters.String(), "outputs.tf": outputs.String(),
	}, nil
}

// pairs yields the keys and values of a mapping in the order of the file.
func pairs(mapping *yaml.Node) func(yield func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if !yield(mapping.Content[i].Value, mapping.Content[i+1]) {
				return
			}
		}
	}
}

// kind is the Terraform type of a parameter.
func (p *parameter) kind() string {
	switch {
	case p.Type == "CommaDelimitedList":
		return "list(string)"
	case p.Type == "Number":
		return "number"
	case strings.Join(p.AllowedValues, ",") == "true,false", strings.Join(p.AllowedValues, ",") == "false,true":
		return "bool"
	default:
		return "string"
	}
}

// variable writes a parameter as a variable.
func (p *parameter) variable(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "variable %q {\n  description = %s\n  type        = %s\n", snake(name), quote(p.Description), p.kind())
	if p.Default != nil {
		value := *p.Default
		switch p.kind() {
		case "string":
			value = quote(value)
		case "list(string)":
			value = "[]"
			if *p.Default != "" {
				value = "[" + quote(strings.ReplaceAll(*p.Default, ",", `", "`)) + "]"
			}
		}
		fmt.Fprintf(&b, "  default     = %s\n", value)
	}
	if p.NoEcho {
		b.WriteString("  sensitive   = true\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// value writes a variable as the text of a parameter.
func (p *parameter) value(name string) string {
	switch p.kind() {
	case "list(string)":
		return `join(",", var.` + snake(name) + ")"
	case "string":
		return "var." + snake(name)
	default:
		return "tostring(var." + snake(name) + ")"
	}
}

var hump = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// snake writes a name as Terraform does: UserPoolArns as user_pool_arns.
func snake(name string) string { return strings.ToLower(hump.ReplaceAllString(name, "${1}_$2")) }

// quote writes text as a string of HCL, in which ${ and %{ would begin an expression.
func quote(text string) string {
	text = strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strings.Join(strings.Fields(text), " "))
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
