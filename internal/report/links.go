package report

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"userdrop/internal/contract"
)

// link is an address with its text.
type link struct {
	Label   string
	Address string
	Outside bool // it leads out of the report's directory
}

// place is a file, or the execution, and how to get to it.
type place struct {
	Label, URI string
	Action     string // the text of the link
	Button     string // the text of a button in the header; empty for none
	Address    string // empty for none
	Outside    bool
}

// places lists where the result's files and its execution are.
func places(r *contract.Result, options ReportOptions) []place {
	var all []place
	for _, f := range []struct{ label, button, uri string }{
		{"Rows that did not make it", "Open failed.csv", r.Files.Failed},
		{"Rows that the mapping left out", "Open excluded.csv", r.Files.Excluded},
		{"Users with their ids", "Open users.csv", r.Files.Users},
		{"This report", "", r.Files.Report},
		{"Result as JSON", "", r.Files.Result},
	} {
		if f.uri == "" {
			continue
		}
		p := place{Label: f.label, URI: f.uri, Button: f.button}
		if base := path.Base(strings.ReplaceAll(f.uri, `\`, "/")); options.Local {
			p.Address, p.Action = (&url.URL{Path: "./" + base}).String(), "Open "+clean(base, 60)
		} else if !options.NoConsole {
			p.Address, p.Action, p.Outside = consoleURL(f.uri, options.Region), "Open in the S3 console", true
		}
		all = append(all, p)
	}
	if r.ExecutionARN != "" {
		p := place{Label: "The execution", URI: r.ExecutionARN}
		if !options.NoConsole {
			p.Address, p.Action, p.Outside = executionURL(r.ExecutionARN), "Open in the Step Functions console", true
		}
		all = append(all, p)
	}
	return all
}

// buttons are the places that belong into the header.
func buttons(all []place) []link {
	var found []link
	for _, p := range all {
		if p.Button != "" && p.Address != "" {
			found = append(found, link{p.Button, p.Address, p.Outside})
		}
	}
	return found
}

// command is a line to copy.
type command struct{ ID, Purpose, Line string }

// plain is what a shell takes as it is.
var plain = regexp.MustCompile(`^[A-Za-z0-9._:/=@+-]+$`)

// commands lists the command lines that people need next. It leaves out those with a name that a shell would read
// otherwise.
func commands(r *contract.Result, options ReportOptions) []command {
	if options.Stack == "" || r.ImportID == "" || !plain.MatchString(options.Stack+r.ImportID+r.UserPoolID) {
		return nil
	}
	target := " --pool-id " + r.UserPoolID
	stack := ""
	if options.Stack != defaultStack {
		stack = " --stack " + options.Stack
	}
	var all []command
	switch one := len(r.Sources) == 1; {
	case r.Mode == contract.ModeCheck && one && r.Rows.Submitted > 0 && plain.MatchString(path.Base(r.Sources[0].Key)):
		all = append(all, command{
			"import", "Import the file:",
			"userdrop drop " + path.Base(r.Sources[0].Key) + stack + target + " --watch",
		})
	case one && r.Files.Failed != "":
		all = append(all, command{
			"again", "Drop the fixed rows again, and watch their import:",
			"userdrop drop failed.csv" + stack + target + " --watch",
		})
		if inbox := r.Sources[0].Bucket; plain.MatchString(inbox) {
			all = append(all, command{
				"again-aws", "The same with the AWS CLI:",
				"aws s3 cp failed.csv s3://" + inbox + "/incoming/" + r.UserPoolID + "/",
			})
		}
	}
	return append(all, command{
		"fetch", "Get the files of this result:",
		"userdrop watch " + r.ImportID + stack + " --out result",
	})
}

// defaultStack is the command line's default of --stack.
const defaultStack = "userdrop"

var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)

// consoleURL is where the S3 console shows an object, or nothing for what is no object.
func consoleURL(uri, region string) string {
	bucket, key, ok := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	if !ok || !strings.HasPrefix(uri, "s3://") || !regionName.MatchString(region) {
		return ""
	}
	return (&url.URL{
		Scheme: "https", Host: region + "." + consoleDomain(region), Path: "/s3/object/" + bucket,
		RawQuery: url.Values{"region": {region}, "prefix": {key}}.Encode(),
	}).String()
}

// executionARN is the ARN of an execution, with its Region.
var executionARN = regexp.MustCompile(`^arn:aws[a-z-]*:states:([a-z]{2}(?:-[a-z]+)+-\d):\d+:execution:[\w-]+:[\w.-]+$`)

// executionURL is where the Step Functions console shows an execution, or nothing for what is no execution.
func executionURL(arn string) string {
	m := executionARN.FindStringSubmatch(arn)
	if m == nil {
		return ""
	}
	return (&url.URL{
		Scheme: "https", Host: m[1] + "." + consoleDomain(m[1]), Path: "/states/home",
		RawQuery: url.Values{"region": {m[1]}}.Encode(), Fragment: "/v2/executions/details/" + arn,
	}).String()
}

// consoleDomain is the domain of the AWS console in a Region's partition.
func consoleDomain(region string) string {
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		return "console.amazonaws-us-gov.com"
	case strings.HasPrefix(region, "cn-"):
		return "console.amazonaws.cn"
	default:
		return "console.aws.amazon.com"
	}
}
