package template

import (
	"go.yaml.in/yaml/v3"
)

// entries ranges over a map's keys and values in the order of the text. A node that is no map has none.
func entries(n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// get returns the value of a map's key, or nil.
func get(n *yaml.Node, name string) *yaml.Node {
	for key, value := range entries(n) {
		if key.Value == name {
			return value
		}
	}
	return nil
}

// wellFormed refuses what CloudFormation's YAML has not: aliases, merges, keys that are no scalars or come twice.
func wellFormed(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return errorAt(n, "CloudFormation supports no YAML anchors and aliases")
	}
	if n.Kind == yaml.MappingNode {
		seen := map[string]bool{}
		for key := range entries(n) {
			switch {
			case key.Kind != yaml.ScalarNode:
				return errorAt(key, "a key has to be a scalar")
			case key.Tag == "!!merge":
				return errorAt(key, "CloudFormation supports no YAML merges")
			case seen[key.Value]:
				return errorAt(key, "the key %s stands here twice", key.Value)
			}
			seen[key.Value] = true
		}
	}
	for _, child := range n.Content {
		if err := wellFormed(child); err != nil {
			return err
		}
	}
	return nil
}
