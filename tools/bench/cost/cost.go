// Package cost tells what imports cost at AWS, from what the simulation counts when it plays them: not from arithmetic
// on paper.
package cost

import (
	"strings"
	"time"

	"userdrop/test/simulation"
)

// Quota is a rate in calls a second.
type Quota struct {
	Rate   float64 `json:"rate"`
	Source string  `json:"source"`
}

const (
	cognitoQuotas       = "https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html"
	stepFunctionsQuotas = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"
)

// Quotas are those of an account in us-east-1 for the operations that are called again and again: 20 a second for all
// reads of pools' resources, 15 for all changes, and the rate at which a bucket of executions to list fills again.
var Quotas = map[string]Quota{
	"cognito-idp DescribeUserImportJob": {20, cognitoQuotas},
	"cognito-idp ListUserImportJobs":    {20, cognitoQuotas},
	"cognito-idp CreateUserImportJob":   {15, cognitoQuotas},
	"cognito-idp StartUserImportJob":    {15, cognitoQuotas},
	"states ListExecutions":             {5, stepFunctionsQuotas},
}

// Price is what one of something costs in US dollars, and the page that says so.
type Price struct {
	Dollars float64 `json:"dollars"`
	Of      string  `json:"of"`
	Source  string  `json:"source"`
}

// PricesOf is the day of Prices.
const PricesOf = "2026-11-22"

// Prices are those of us-east-1, without free tiers. What is small beside them is not in it: storage, logs, metrics,
// traces, and requests to KMS.
var Prices = struct {
	Transition, Invocation, GBSecond, Write, Read, Event, Message Price
}{
	Transition: Price{0.025 / 1e3, "state transition", "https://aws.amazon.com/step-functions/pricing/"},
	Invocation: Price{0.20 / 1e6, "Lambda request", "https://aws.amazon.com/lambda/pricing/"},
	GBSecond:   Price{0.0000133334, "GB-second on Arm", "https://aws.amazon.com/lambda/pricing/"},
	Write:      Price{0.005 / 1e3, "S3 PUT, COPY, POST or LIST; DELETE is free", "https://aws.amazon.com/s3/pricing/"},
	Read:       Price{0.0004 / 1e3, "S3 GET or HEAD", "https://aws.amazon.com/s3/pricing/"},
	Event:      Price{1.0 / 1e6, "event of ours on EventBridge", "https://aws.amazon.com/eventbridge/pricing/"},
	Message:    Price{0.50 / 1e6, "SNS message", "https://aws.amazon.com/sns/pricing/"},
}

// PriceList is Prices as a list.
func PriceList() []Price {
	p := Prices
	return []Price{p.Transition, p.Invocation, p.GBSecond, p.Write, p.Read, p.Event, p.Message}
}

// Dollars is what the imports that a report counts cost.
func Dollars(r *simulation.CrowdReport) float64 {
	d := float64(r.Transitions)*Prices.Transition.Dollars + float64(r.Invocations)*Prices.Invocation.Dollars +
		r.GBSeconds*Prices.GBSecond.Dollars
	for name, calls := range r.Calls {
		n := float64(calls.Total)
		switch {
		case name == "s3 DELETE":
		case name == "s3 GET", name == "s3 HEAD":
			d += n * Prices.Read.Dollars
		case strings.HasPrefix(name, "s3 "):
			d += n * Prices.Write.Dollars
		case name == "events PutEvents":
			d += n * Prices.Event.Dollars
		case strings.HasPrefix(name, "sns "):
			d += n * Prices.Message.Dollars
		}
	}
	return d
}

// Alternative is what the same work takes by another way.
type Alternative struct {
	Way     string        `json:"way"`
	Users   int           `json:"users"`
	Took    time.Duration `json:"took"` // in nanoseconds
	Polls   int           `json:"polls"`
	Dollars float64       `json:"dollars"` // of Step Functions alone
	Note    string        `json:"note"`
}

// Alternatives are the other ways at their published or permitted speeds.
func Alternatives() []Alternative {
	const (
		users     = 500_000
		published = 14_858 * time.Second // 247.63 minutes
	)
	job := users / 35 * time.Second
	polls := int(published / (30 * time.Second))
	return []Alternative{
		{
			// https://docs.aws.amazon.com/solutions/latest/cognito-user-profiles-export-reference-architecture/design-considerations.html
			"AWS's former reference architecture", users, published, polls, float64(4*polls) * Prices.Transition.Dollars,
			"published time; 4 transitions and 11 history events each 30 s",
		},
		{
			// UserCreation: https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
			"a loop of AdminCreateUser", users, users / 50 * time.Second, 0, 0,
			"at its whole quota of 50 a second, which sign-ups share; temporary passwords and mails",
		},
		{"a script that polls each second", users, job, int(job / time.Second), 0, "a machine that must not stop"},
	}
}
