package contract

import "strings"

// Setting is a setting of the rules: its name as a parameter of the template and as a flag of the command line.
type Setting struct{ Parameter, Flag string }

// SettingNames are the settings that messages name.
var SettingNames = []Setting{
	{"AssumeVerified", "--assume-verified"},
	{"DefaultPhoneCountry", "--default-phone-country"},
	{"DateOrder", "--date-order"},
	{"NullText", "--null-text"},
	{"IgnoreColumns", "--ignore-columns"},
	{"IdColumn", "--id-column"},
	{"ApplyGroups", "--apply-groups"},
	{"Mapping", "--mapping"},
}

var asFlags = func() *strings.Replacer {
	var pairs []string
	for _, s := range SettingNames {
		for _, before := range []string{"the setting ", "the parameter "} {
			pairs = append(pairs, before+s.Parameter, s.Flag)
		}
	}
	return strings.NewReplacer(pairs...)
}()

// NameFlags returns a message as the command line says it: "the setting DateOrder" becomes "--date-order".
func NameFlags(message string) string { return asFlags.Replace(message) }
