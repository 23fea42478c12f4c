package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"userdrop/internal/usercsv"
)

// ruleFlags are the settings of the CSV rules as flags.
type ruleFlags struct{ usercsv.SettingTexts }

// byFlag returns the place of each flag's text and the parameter of the template that it stands for.
func (r *ruleFlags) byFlag() map[string]struct {
	text      *string
	parameter string
} {
	return map[string]struct {
		text      *string
		parameter string
	}{
		"assume-verified":       {&r.AssumeVerified, "AssumeVerified"},
		"default-phone-country": {&r.DefaultPhoneCountry, "DefaultPhoneCountry"},
		"date-order":            {&r.DateOrder, "DateOrder"},
		"null-text":             {&r.NullText, "NullText"},
		"ignore-columns":        {&r.IgnoreColumns, "IgnoreColumns"},
		"id-column":             {&r.IDColumn, "IdColumn"},
	}
}

// define adds the flags to a command.
func (r *ruleFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&r.AssumeVerified, "assume-verified", "none",
		"`WHAT` counts as verified: none, email, phone_number, both")
	flags.StringVar(&r.DefaultPhoneCountry, "default-phone-country", "",
		"the `COUNTRY` of national phone numbers, such as US")
	r.defineOfFile(cmd)
	complete(cmd, "assume-verified", "none", "email", "phone_number", "both")
}

// defineOfFile adds the flags of settings that a drop may have for itself, by its manifest.
func (r *ruleFlags) defineOfFile(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&r.DateOrder, "date-order", "auto",
		"`ORDER` of dates like 03/04/1985: auto, month-first, day-first")
	flags.StringVar(&r.NullText, "null-text", "", "comma-separated `TEXTS` that mean a blank cell, such as NULL")
	flags.StringVar(&r.IgnoreColumns, "ignore-columns", "",
		"leave out these comma-separated `COLUMNS`; * means all unknown ones")
	flags.StringVar(&r.IDColumn, "id-column", "", "the `COLUMN` of old ids, which come back in users.csv")
	complete(cmd, "date-order", "auto", "month-first", "day-first")
}

// complete offers the values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values ...cobra.Completion) {
	fixed := cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc(flag, fixed); err != nil {
		panic(err) // the flag is defined before
	}
}

// ofManifest returns the settings of a manifest, by their names there: those whose flags were given.
func (r *ruleFlags) ofManifest(flags *pflag.FlagSet) (map[string]any, error) {
	parsed, err := usercsv.ParseSettings(r.SettingTexts, nil)
	if err != nil {
		return nil, err
	}
	settings := map[string]any{}
	for flag, member := range map[string]struct {
		name  string
		value any
	}{
		"date-order":     {"dateOrder", parsed.DateOrder},
		"null-text":      {"nullText", append([]string{}, parsed.NullText...)},
		"ignore-columns": {"ignoreColumns", append([]string{}, parsed.IgnoreColumns...)},
		"id-column":      {"idColumn", parsed.IDColumn},
	} {
		if flags.Changed(flag) {
			settings[member.name] = member.value
		}
	}
	return settings, nil
}

// given returns the flags that were given as parameters of the template, KEY=VALUE.
func (r *ruleFlags) given(flags *pflag.FlagSet) []string {
	var set []string
	for flag, place := range r.byFlag() {
		if flags.Changed(flag) {
			set = append(set, place.parameter+"="+*place.text)
		}
	}
	slices.Sort(set)
	return set
}

// takeFrom takes the settings of a stack's parameters, but for flags that were given.
func (r *ruleFlags) takeFrom(parameters map[string]string, flags *pflag.FlagSet) {
	for flag, place := range r.byFlag() {
		if value := parameters[place.parameter]; value != "" && !flags.Changed(flag) {
			*place.text = value
		}
	}
}
