package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"userdrop/internal/client"
	"userdrop/internal/steps/prepareimport"
)

// existingFlag is the value of --existing: what becomes of rows whose users exist. Empty is what the stack does.
type existingFlag struct{ prepareimport.Existing }

// String implements [pflag.Value].
func (f *existingFlag) String() string { return string(f.Existing) }

// Type implements [pflag.Value].
func (*existingFlag) Type() string { return "string" }

// Set implements [pflag.Value].
func (f *existingFlag) Set(text string) error {
	if f.UnmarshalText([]byte(text)) != nil {
		return errors.New("choose skip, update or fail")
	}
	return nil
}

// define adds --existing to a command, which says in its text where the default comes from.
func (f *existingFlag) define(cmd *cobra.Command, byDefault string) {
	cmd.Flags().Var(f, "existing",
		"`WHAT` becomes of rows whose users exist: skip, update, fail (default: "+byDefault+")")
	complete(cmd, "existing", "skip", "update", "fail")
}

// parameters returns the parameter of the template, KEY=VALUE, if the flag was given.
func (f *existingFlag) parameters() []string {
	if f.Existing == "" {
		return nil
	}
	return []string{"Existing=" + f.String()}
}

// takeFrom takes the parameter of a stack where the flag was not given. It refuses what the stack does not allow, since
// the stack would refuse the file.
func (f *existingFlag) takeFrom(s *client.Stack) error {
	var stack prepareimport.Existing
	if err := stack.UnmarshalText([]byte(s.Parameters["Existing"])); err != nil {
		stack = prepareimport.ExistingSkip // a stack of a release without the parameter
	}
	if f.Existing == "" {
		f.Existing = stack
	}
	if !stack.Allows(f.Existing) {
		return fmt.Errorf("the stack %q does not allow --existing %s: its parameter Existing is %s", s.Name, f, stack)
	}
	return nil
}

// hintUnchecked says what a check leaves open, since it does not ask the pool for its users.
func (f *existingFlag) hintUnchecked(cmd *cobra.Command) {
	const dryRun = `A dry run counts them: userdrop drop FILE --check --watch --existing %[1]s`
	switch f.Existing {
	case prepareimport.ExistingUpdate:
		hint(cmd, "Which users exist and what would change is not checked here. "+dryRun, f)
	case prepareimport.ExistingFail:
		hint(cmd, "Rows whose users exist would be rejected, which is not checked here. "+dryRun, f)
	}
}
