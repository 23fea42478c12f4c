package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"userdrop/internal/client"
)

func newUndoCommand() *cobra.Command {
	var o stackOptions
	var out string
	var yes bool
	cmd := &cobra.Command{
		Use:   "undo IMPORT-ID",
		Short: "Remove the users that an import created",
		Long: `Undo plans the removal of the users whom an import created and nobody has changed since. With --yes it removes
them, with your own permissions (cognito-idp:ListUsers, cognito-idp:AdminDeleteUser); the stack can remove nobody. It
needs the import's users.csv, which a stack with UserMap=true writes. It keeps
users who existed before the import, or who were changed or signed in since. undo.csv lists each user, and why one is
kept; a list that is there already stays, and the next is undo-2.csv. If it is interrupted, run it again.

Exit codes: 0 done or planned, 64 usage, 66 there is no such stack or import, 68 AWS could not be reached, 69 AWS refused.`,
		Example: "  userdrop undo users-1f0c6d8be5a94ac4d1c3a6f2 --stack userdrop-prod\n" +
			"  userdrop undo users-1f0c6d8be5a94ac4d1c3a6f2 --stack userdrop-prod --yes",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			return undo(cmd, s, args[0], out, yes)
		},
	}
	cmd.ValidArgsFunction = o.completeImport
	o.define(cmd.Flags())
	cmd.Flags().BoolVar(&yes, "yes", false, "remove the users; without it, only plan")
	cmd.Flags().StringVar(&out, "out", "undo.csv", "write who is removed, who is kept and why into `FILE`")
	cmd.Flags().SortFlags = false
	return cmd
}

func undo(cmd *cobra.Command, s *client.Stack, importID, out string, yes bool) (err error) {
	var file *os.File
	var list *csv.Writer
	removed, kept, gone := 0, 0, 0
	defer func() {
		if file != nil {
			list.Flush()
			err = errors.Join(err, list.Error(), file.Close())
		}
	}()
	done := map[bool]string{true: "removed", false: "would be removed"}[yes]
	err = s.Undo(cmd.Context(), importID, yes, func(u client.Undone) error {
		if file == nil { // nothing is written for an import that cannot be undone
			if file, err = createNew(out); err != nil {
				return err
			}
			list = csv.NewWriter(file)
			if err := list.Write([]string{"username", "sub", "action", "reason"}); err != nil {
				return err
			}
		}
		if u.Removed {
			removed++
			return list.Write([]string{u.Username, u.Sub, done, ""})
		}
		if u.Gone {
			gone++
			return list.Write([]string{u.Username, u.Sub, "gone", "is not in the pool any more"})
		}
		kept++
		return list.Write([]string{u.Username, u.Sub, "kept", u.Why})
	})
	if err != nil {
		return err
	}
	if file != nil {
		out = file.Name()
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d users %s, %d kept, %d already gone. %s lists each with the reason.\n",
		removed, map[bool]string{true: "are removed", false: "would be removed"}[yes], kept, gone, out)
	if err == nil && !yes && removed > 0 {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "Run it again with --yes to remove them. A removal cannot be undone.")
	}
	return err
}

// createNew creates a file of a name, or of the next number where there is one: an earlier list says who was removed, and
// nothing else does.
func createNew(name string) (*os.File, error) {
	ext := filepath.Ext(name)
	numbered := name
	for n := 2; ; n++ {
		file, err := os.OpenFile(numbered, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			return file, err
		}
		numbered = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
	}
}
