package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"
)

// verbosity is how much a command says on standard error beside its errors.
type verbosity struct {
	quiet, verbose bool
	mu             sync.Mutex
	w              io.Writer
}

type verbosityKey struct{}

// defineVerbosity adds --quiet and --verbose to all commands.
func defineVerbosity(root *cobra.Command) {
	var v verbosity
	root.PersistentFlags().BoolVarP(&v.quiet, "quiet", "q", false, "show no progress and no hints")
	root.PersistentFlags().BoolVar(&v.verbose, "verbose", false, "log each call of AWS, and each retry, to standard error")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if v.quiet && v.verbose {
			return errors.New("--quiet and --verbose exclude each other")
		}
		v.w = cmd.ErrOrStderr()
		cmd.SetContext(context.WithValue(cmd.Context(), verbosityKey{}, &v))
		return nil
	}
}

func verbosityOf(ctx context.Context) *verbosity {
	if v, ok := ctx.Value(verbosityKey{}).(*verbosity); ok {
		return v
	}
	return &verbosity{w: io.Discard}
}

// callLog returns what logs calls of AWS, or nil if nobody asked for it.
func callLog(ctx context.Context) func(string) {
	v := verbosityOf(ctx)
	if !v.verbose {
		return nil
	}
	return func(line string) {
		v.mu.Lock()
		defer v.mu.Unlock()
		fmt.Fprintln(v.w, "aws: "+printable(line, 1000))
	}
}

// hint says what to do next, on standard error, so that standard output holds the answer alone.
func hint(cmd *cobra.Command, format string, args ...any) {
	if !verbosityOf(cmd.Context()).quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
	}
}
