// Package diagram draws state machines from their definitions, for docs/internals/state-machines.md.
package diagram

import (
	"fmt"
	"strings"

	"userdrop/localaws/stepfunctions"
)

// Mermaid returns a definition as a Mermaid flowchart, which GitHub renders. Tasks are boxes, Choices diamonds, Waits
// rounded boxes. An arrow is labeled with the values of the Choice; a dotted arrow is a caught error.
func Mermaid(definition *stepfunctions.Definition) string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	draw(&b, definition, "  ")
	return b.String()
}

func draw(b *strings.Builder, definition *stepfunctions.Definition, indent string) {
	fmt.Fprintf(b, "%s%sStart(( )) --> %s\n", indent, definition.StartAt, definition.StartAt)
	for _, s := range definition.States {
		if s.ItemProcessor != nil {
			fmt.Fprintf(b, "%ssubgraph %s [%s: for each part, one at a time]\n", indent, s.Name, s.Name)
			draw(b, s.ItemProcessor, indent+"  ")
			fmt.Fprintf(b, "%send\n", indent)
		} else {
			fmt.Fprintf(b, "%s%s%s\n", indent, s.Name, shape(s))
		}
		arrow(b, indent, s.Name, "", s.Next)
		values := map[string][]string{}
		var order []string
		for _, rule := range s.Choices {
			if values[rule.Next] == nil {
				order = append(order, rule.Next)
			}
			values[rule.Next] = append(values[rule.Next], fmt.Sprint(rule.Operand))
		}
		for _, next := range order {
			arrow(b, indent, s.Name, strings.Join(values[next], ", "), next)
		}
		if s.Default != "" {
			arrow(b, indent, s.Name, "else", s.Default)
		}
		for _, c := range s.Catch {
			fmt.Fprintf(b, "%s%s -.-> %s\n", indent, s.Name, c.Next)
		}
	}
}

func shape(s *stepfunctions.State) string {
	switch s.Type {
	case "Choice":
		return "{" + s.Name + "}"
	case "Wait":
		return "(" + s.Name + ")"
	case "Succeed", "Fail":
		return "([" + s.Name + "])"
	default:
		return "[" + s.Name + "]"
	}
}

func arrow(b *strings.Builder, indent, from, label, to string) {
	switch {
	case to == "":
	case label == "":
		fmt.Fprintf(b, "%s%s --> %s\n", indent, from, to)
	default:
		fmt.Fprintf(b, "%s%s -- %s --> %s\n", indent, from, label, to)
	}
}
