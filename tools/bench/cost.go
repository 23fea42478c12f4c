package main

import (
	"strings"

	"userdrop/test/simulation"
)

// prices are those of us-east-1 in US dollars, as of 2026-11-22, without free tiers. Small items are left out:
// storage, logs, metrics, traces and requests to KMS.
var prices = struct{ transition, invocation, gbSecond, write, read, event, message float64 }{
	transition: 0.025 / 1e3,  // https://aws.amazon.com/step-functions/pricing/
	invocation: 0.20 / 1e6,   // https://aws.amazon.com/lambda/pricing/
	gbSecond:   0.0000133334, // on Arm: https://aws.amazon.com/lambda/pricing/
	write:      0.005 / 1e3,  // S3 PUT, COPY, POST and LIST; DELETE is free: https://aws.amazon.com/s3/pricing/
	read:       0.0004 / 1e3, // S3 GET and HEAD
	event:      1.0 / 1e6,    // https://aws.amazon.com/eventbridge/pricing/
	message:    0.50 / 1e6,   // https://aws.amazon.com/sns/pricing/
}

// quota is a rate for an account in us-east-1, all of its applications together.
type quota struct {
	name       string
	perSecond  float64 // of a bucket, the rate at which it fills
	operations []string
}

// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
var quotas = []quota{
	{"ListExecutions", 5, []string{"states ListExecutions"}},
	{"StartExecution", 300, []string{"states StartExecution"}},
	{"UserPoolRead", 15, []string{"cognito-idp DescribeUserPool"}},
	{"UserPoolResourceRead", 20, []string{
		"cognito-idp DescribeUserImportJob", "cognito-idp GetCSVHeader", "cognito-idp ListGroups",
		"cognito-idp ListUserImportJobs",
	}},
	{"UserPoolResourceUpdate", 15, []string{
		"cognito-idp CreateUserImportJob", "cognito-idp StartUserImportJob", "cognito-idp StopUserImportJob",
	}},
	{"UserUpdate", 25, []string{"cognito-idp AdminAddUserToGroup", "cognito-idp AdminUpdateUserAttributes"}},
	{"UserList", 30, []string{"cognito-idp ListUsers"}},
}

const (
	transitionsPerSecond = 5_000 // https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
	concurrentFunctions  = 1_000 // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	jobsOfPool           = 1_000 // for life
)

// share returns how much of a quota a report's calls took, in percent: in the busiest minute, and in the busiest minute
// from ten minutes after the last drop. Operations of one quota may have their busiest minute at different times, so it is
// rather too much.
func (q quota) share(r *simulation.CrowdReport) (busiest, later float64) {
	for _, name := range q.operations {
		if c := r.Calls[name]; c != nil {
			scale := 1.0
			if strings.HasPrefix(name, "cognito-idp Admin") { // a call for a row
				scale = float64(r.Scale)
			}
			busiest += float64(c.PerMinute) * scale
			later += float64(c.Steady) * scale
		}
	}
	return 100 * busiest / 60 / q.perSecond, 100 * later / 60 / q.perSecond
}

// dollars returns the price of the calls that a report counts.
func dollars(r *simulation.CrowdReport) float64 {
	sum := float64(r.Transitions)*prices.transition + float64(r.Invocations)*prices.invocation +
		r.GBSeconds*prices.gbSecond
	for name, calls := range r.Calls {
		n := float64(calls.Total)
		switch {
		case name == "s3 DELETE":
		case name == "s3 GET", name == "s3 HEAD":
			sum += n * prices.read
		case strings.HasPrefix(name, "s3 "):
			sum += n * prices.write
		case name == "events PutEvents":
			sum += n * prices.event
		case strings.HasPrefix(name, "sns "):
			sum += n * prices.message
		}
	}
	return sum
}
