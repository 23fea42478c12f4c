package mapping

import "testing"

func TestBuiltinMappingsAreValid(t *testing.T) {
	for _, name := range BuiltinNames() {
		text, _ := BuiltinText(name)
		if m, err := Parse(text); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if m.Name != name {
			t.Errorf("%s is named %s", name, m.Name)
		}
	}
}
