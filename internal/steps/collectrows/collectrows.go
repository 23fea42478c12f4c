// Package collectrows finds out what became of each row of an attempt whose Cognito job has ended.
package collectrows

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/rowoutcomes"
)

// Config is the environment of collect-rows.
type Config struct {
	WorkBucket string `env:"WORK_BUCKET"`
}

// New builds the handler of functions/collect-rows.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	return lambdahandler.Handler(rowoutcomes.New(cfg, config.WorkBucket).Collect), nil
}
