package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"userdrop/internal/local"
	"userdrop/internal/report"
	"userdrop/localaws"
	"userdrop/localaws/events"
)

type localOptions struct {
	doubleOptions
	listen  string
	envJSON string
}

func newLocalCommand() *cobra.Command {
	var o localOptions
	cmd := &cobra.Command{
		Use:   "local --pool POOL.json",
		Short: "Run the local double of AWS as a server",
		Long: `Local serves a double of AWS with the stack "userdrop" deployed, until it is interrupted: S3, Cognito's
import jobs, Step Functions, Lambda, EventBridge, SNS, SQS, CloudWatch Logs, CloudFormation. The AWS CLI, any SDK and
the other commands of userdrop talk to it with the environment that it prints.

Each file that is dropped, and the verdict of each import, is logged to standard error.

Nothing is kept: each start is a new account. There is no authentication, so listen at 0.0.0.0, which containers and
other machines can reach, only in a network that you trust.

Exit codes: 0 interrupted, 64 usage, or the address is taken.`,
		Example: `  aws cognito-idp describe-user-pool --user-pool-id POOL-ID > pool.json
  userdrop local --pool pool.json --speed 60
  userdrop local --pool pool.json --listen 0.0.0.0:4566 --env-json env.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runLocal(cmd, o) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&o.pools, "pool", nil,
		"a user pool, a `FILE` as describe-user-pool prints it (required; may repeat)")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:4566",
		"listen at `ADDRESS`, an IP address with a port, or 0 for any port")
	flags.StringVar(&o.envJSON, "env-json", "",
		"write the functions' environments to `FILE`, for \"sam local invoke --env-vars\"")
	o.define(flags, 1)
	return cmd
}

func runLocal(cmd *cobra.Command, o localOptions) error {
	if len(o.pools) == 0 {
		return fmt.Errorf("local needs a user pool, --pool POOL.json: %s", howToGetPool)
	}
	pool, err := readPool(o.pools[0], "")
	if err != nil {
		return err
	}
	if host, _, _ := net.SplitHostPort(o.listen); o.envJSON != "" && net.ParseIP(host).IsLoopback() {
		return fmt.Errorf("--env-json is for containers, and they can't reach %s: add --listen 0.0.0.0:4566", host)
	}
	o.observe = logEvents(cmd.ErrOrStderr())
	d, endpoint, stop, err := o.boot(o.listen)
	if err != nil {
		return err
	}
	defer stop()
	if o.envJSON != "" {
		if err := writeEnvJSON(o.envJSON, d, endpoint); err != nil {
			return err
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "ready\n\n")
	for _, v := range [][2]string{
		{"AWS_ENDPOINT_URL", endpoint},
		{"AWS_ACCESS_KEY_ID", localKeyID},
		{"AWS_SECRET_ACCESS_KEY", localSecret},
		{"AWS_REGION", d.Account.Region},
		{"AWS_DEFAULT_REGION", d.Account.Region},
	} {
		fmt.Fprintf(&b, "export %s=%s\n", v[0], v[1])
	}
	fmt.Fprintf(&b, "\nIn another terminal, with these exports:\n"+
		"  userdrop drop users.csv --watch\n"+
		"  aws s3 cp users.csv s3://%s/incoming/%s/\n", d.Stack.Bucket("InboxBucket").Name, pool.ID)
	if o.envJSON != "" {
		fmt.Fprintf(&b, "  sam local invoke SweepLostFunction --env-vars %s --event events/sweep-lost.schedule.json\n",
			o.envJSON)
	}
	fmt.Fprintf(&b, "\nCtrl-C stops it, and forgets everything.\n")
	if _, err := fmt.Fprint(cmd.OutOrStdout(), b.String()); err != nil {
		return err
	}
	<-cmd.Context().Done()
	return nil
}

// logEvents returns a function that writes a line for each file in the inbox and each result.
func logEvents(w io.Writer) func(events.Envelope) {
	const longest = 200 // characters of a key or a message
	var mu sync.Mutex
	line := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintf(w, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
	}
	dropped := regexp.MustCompile(`^(incoming|check|scheduled)/.*[^/]$`)
	return func(e events.Envelope) {
		var detail struct {
			Bucket  struct{ Name string }
			Object  struct{ Key string }
			ID      string `json:"importId"`
			Verdict string
			Message string
		}
		if json.Unmarshal(e.Detail, &detail) != nil {
			return
		}
		switch key := detail.Object.Key; {
		case e.Source == report.EventSource && detail.Verdict != "":
			line("%s  %s  %s", detail.Verdict, printable(detail.ID, longest), printable(detail.Message, longest))
		case e.DetailType == "Object Created" && detail.Bucket.Name == local.StackName+"-inbox" &&
			dropped.MatchString(key):
			line("dropped  %s", printable(key, longest))
		}
	}
}

// writeEnvJSON writes the file for "sam local invoke --env-vars": the environment of each function by its logical id. SAM
// passes on the variables that the template names, and the Region and credentials of its own environment.
func writeEnvJSON(name string, d *localaws.Double, endpoint string) error {
	functions := map[string]map[string]string{}
	for _, f := range d.Stack.Functions {
		environment := maps.Clone(f.Environment)
		environment["AWS_ENDPOINT_URL"] = endpoint
		functions[f.LogicalID] = environment
	}
	text, err := json.MarshalIndent(functions, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}
