// Command userdrop imports CSV files of users into Amazon Cognito user pools: it checks such files offline, runs the
// whole import on a local double of AWS, and drops, watches and steers imports of a deployed stack.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"userdrop/functions"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/client"
)

// Exit codes beside a command's own: 64 EX_USAGE, 66 EX_NOINPUT, 68 EX_NOHOST and 69 EX_UNAVAILABLE of sysexits.h.
const (
	exitUsage       = 64                // a command line that cannot be carried out as written
	exitNotFound    = 66                // there is no such stack, user pool or import
	exitUnreached   = 68                // no answer: the network, or a double that is not running
	exitRefusedCall = 69                // AWS, or the local double, refused
	exitInterrupted = 128 + exitCode(2) // SIGINT, as shells count
)

// functionVariable is the environment variable by which the local double has this executable act as a function's
// bootstrap, so that one file is all that a demo needs.
const functionVariable = "USERDROP_FUNCTION"

func main() {
	actAsFunction()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// actAsFunction serves a function's invocations, and does not return, if that is what the process was started for.
func actAsFunction() {
	name := os.Getenv(functionVariable)
	if name == "" {
		return
	}
	build, ok := functions.All[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "userdrop: %s=%s names no function\n", functionVariable, name)
		os.Exit(exitUsage)
	}
	lambdahandler.Start(build)
	os.Exit(0)
}

// run executes one command line until it ends or the user interrupts it, and returns its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	return execute(ctx, args, stdin, stdout, stderr)
}

func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	if ctx.Err() != nil { // what the call in hand made of it helps nobody
		fmt.Fprintln(stderr, "userdrop: interrupted")
		return int(exitInterrupted)
	}
	fmt.Fprintf(stderr, "userdrop: %s\n", errorText(err))
	if e, ok := errors.AsType[*client.Error](err); ok {
		return map[client.Kind]int{
			client.NotFound: exitNotFound, client.Unreached: exitUnreached, client.Refused: exitRefusedCall,
		}[e.Kind]
	}
	return exitUsage
}

// exitCode is an error that says all there is to say by the program's exit code: what went wrong is already printed.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "userdrop",
		Short: "Import CSV files of users into Amazon Cognito user pools",
		Long: `Userdrop imports CSV files of users into Amazon Cognito user pools, and returns every row that could not be
imported with its reason.

Exit codes: 0 done, 1 rows or an import did not make it, 64 usage, or no Region or credentials, 66 there is no such
stack, user pool or import, 68 AWS could not be reached, 69 AWS refused, 130 interrupted. The help of each command lists
its own.`,
		Example: `  userdrop demo                              see an import, without AWS
  userdrop check users.csv --pool pool.json  check a file offline
  userdrop drop users.csv --watch            import it with a deployed stack`,
		Args:          knownCommand,
		Version:       release(),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	defineVerbosity(root)
	wrapHelp(root)
	root.SuggestionsMinimumDistance = 2
	root.SetVersionTemplate("userdrop {{.Version}}\n")
	root.AddGroup(
		&cobra.Group{ID: offline, Title: "Without an AWS account:"},
		&cobra.Group{ID: deployed, Title: "With a deployed stack, or userdrop local:"},
	)
	grouped := func(id string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = id
		}
		root.AddCommand(commands...)
	}
	mappings := newMappingsCommand()
	grouped(offline, newDemoCommand(), newCheckCommand(), newConvertCommand(), mappings, newLocalCommand())
	grouped(deployed, newDropCommand(), newWatchCommand(), newListCommand(), newCancelCommand(), newUndoCommand(), newPauseCommand(),
		newResumeCommand(), newProbeCommand())
	root.AddCommand(newVersionCommand())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (see \"%s --help\")", err, cmd.CommandPath())
	})
	for _, c := range slices.Concat(root.Commands(), mappings.Commands()) {
		positional := c.Args
		c.Args = func(cmd *cobra.Command, args []string) error {
			if positional(cmd, args) != nil {
				return fmt.Errorf("usage: %s (see \"%s --help\")", cmd.UseLine(), cmd.CommandPath())
			}
			return nil
		}
		if c.ValidArgsFunction == nil && !strings.Contains(c.Use, "FILE") {
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
	return root
}

// knownCommand refuses what is no command, in one line.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see \"userdrop --help\""
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("did you mean %q?", near[0])
	}
	return fmt.Errorf("unknown command %q: %s", args[0], hint)
}

// The groups of commands in the help.
const (
	offline  = "offline"
	deployed = "deployed"
)
