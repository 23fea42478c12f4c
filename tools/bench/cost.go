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

// quotas are calls a second of an account in us-east-1, for the operations that are called again and again.
// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
var quotas = map[string]float64{
	"cognito-idp DescribeUserImportJob": 20, "cognito-idp ListUserImportJobs": 20, // reads of all pools together
	"cognito-idp CreateUserImportJob": 15, "cognito-idp StartUserImportJob": 15, // changes of all pools together
	"states ListExecutions": 5, // the refill rate of its bucket
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
