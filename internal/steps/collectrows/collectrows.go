// Package collectrows finds out what became of each row of an attempt whose Cognito job has ended.
package collectrows

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/rowoutcomes"
	"userdrop/internal/contract"
)

// Config is the environment of collect-rows.
type Config struct {
	WorkBucket string `env:"WORK_BUCKET"`
	// ApplyChangesARN is the machine apply-changes; empty in a stack that applies none.
	ApplyChangesARN string `env:"APPLY_CHANGES_ARN" envDefault:""`
}

type step struct {
	outcomes *rowoutcomes.Collector
	machine  *sfn.Client
	config   Config
}

// New builds the handler of functions/collect-rows.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	return lambdahandler.Handler((&step{
		outcomes: rowoutcomes.New(cfg, config.WorkBucket), machine: sfn.NewFromConfig(cfg), config: config,
	}).handle), nil
}

func (s *step) handle(ctx context.Context, job contract.ImportJob) (contract.ImportJob, error) {
	job, err := s.outcomes.Collect(ctx, job)
	if err != nil {
		return job, err
	}
	return job, s.applyBeside(ctx, job)
}
