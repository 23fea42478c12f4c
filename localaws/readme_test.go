package localaws_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/localaws"
	"userdrop/localaws/lambda"
	"userdrop/localaws/template"
)

// README begin
func TestGreeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		double := boot(t)
		defer double.Close()
		if _, err := double.S3.Put("inbox", "incoming/ann.txt", []byte("Ann")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Hour) // takes no time: the state machine waits a day
		if text, err := double.S3.Get("inbox", "greetings/ann.txt"); err != nil || string(text) != "Hello!" {
			t.Errorf("greeting %q, %v", text, err)
		}
	})
}

func boot(t *testing.T) *localaws.Double {
	var double *localaws.Double
	greet := func(ctx context.Context, dropped struct{ Key string }) error { // the function under test
		bucket, key := "inbox", strings.Replace(dropped.Key, "incoming", "greetings", 1)
		config := double.Config(double.Stack.Function("GreetFunction").RoleARN)
		_, err := s3.NewFromConfig(config).PutObject(ctx, &s3.PutObjectInput{
			Bucket: &bucket, Key: &key, Body: strings.NewReader("Hello!"),
		})
		return err
	}
	double, err := localaws.Boot(localaws.Options{
		Deployed: os.DirFS("testdata/greeter"),
		Code: func(*template.Function) lambda.Code {
			return lambda.Handler{Handler: awslambda.NewHandler(greet)}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return double
}

// README end
