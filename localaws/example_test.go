package localaws_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/localaws"
	"userdrop/localaws/lambda"
	"userdrop/localaws/template"
)

// A template with one bucket, and an SDK's client that calls the double without a network.
func ExampleBoot() {
	double, err := localaws.Boot(localaws.Options{Deployed: fstest.MapFS{"template.yaml": {Data: []byte(`
Resources:
  Inbox: {Type: AWS::S3::Bucket, Properties: {VersioningConfiguration: {Status: Enabled}}}
`)}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer double.Close()

	client := s3.NewFromConfig(double.Config(""))
	bucket := double.Stack.Bucket("Inbox").Name
	put, err := client.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: &bucket, Key: aws.String("users.csv"), Body: strings.NewReader("name\n"),
	})
	fmt.Println(bucket, *put.ETag, err)
	// Output: stack-inbox "18697449d7c48cf32cdd4f14857e68ee" <nil>
}

// What a mistake in a template looks like: each is named, and where it is.
func ExampleBoot_mistakes() {
	_, err := localaws.Boot(localaws.Options{Deployed: fstest.MapFS{"template.yaml": {Data: []byte(`
Resources:
  Inbox: {Type: AWS::S3::Bucket, Properties: {Color: blue}}
  Stream: {Type: AWS::Kinesis::Stream}
`)}}})
	fmt.Println(err)
	// Output:
	// template.yaml: line 4, column 18: Stream: the resource type AWS::Kinesis::Stream is not known to the local double
}

// A role may do what its policies in the template say, and nothing else.
func ExampleDouble_Config() {
	double, err := localaws.Boot(localaws.Options{
		Deployed: os.DirFS("testdata/greeter"),
		Code:     func(*template.Function) lambda.Code { return lambda.Bootstrap("bin/greet") },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer double.Close()

	client := s3.NewFromConfig(double.Config(double.Stack.Function("GreetFunction").RoleARN))
	for _, key := range []string{"greetings/ann.txt", "incoming/ann.txt"} {
		_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
			Bucket: aws.String("inbox"), Key: &key, Body: strings.NewReader("Hello!"),
		})
		fmt.Println(key, "allowed:", err == nil)
	}
	// Output:
	// greetings/ann.txt allowed: true
	// incoming/ann.txt allowed: false
}

// The double as a server, for the AWS CLI, SDKs of any language, and functions that run as processes.
func ExampleDouble_Server() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	double, err := localaws.Boot(localaws.Options{
		Deployed: fstest.MapFS{"template.yaml": {Data: []byte("Resources: {Inbox: {Type: AWS::S3::Bucket}}")}},
		Endpoint: "http://" + listener.Addr().String(), Speed: 60,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer double.Close()
	server := double.Server()
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()

	response, err := http.Get("http://" + listener.Addr().String() + "/stack-inbox/users.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.Status)
	// Output: 404 Not Found
}

// A user import job from its creation to its end, ten thousand times as fast as at AWS.
func Example_userImportJob() {
	double, err := localaws.Boot(localaws.Options{
		Deployed: fstest.MapFS{"template.yaml": {Data: []byte(logsRole)}},
		Pools:    []localaws.Pool{{Description: []byte(pool)}},
		Speed:    10_000,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer double.Close()

	ctx, id := context.Background(), aws.String("us-east-1_Example1")
	client := cognitoidentityprovider.NewFromConfig(double.Config(""))
	header, err := client.GetCSVHeader(ctx, &cognitoidentityprovider.GetCSVHeaderInput{UserPoolId: id})
	if err != nil {
		fmt.Println(err)
		return
	}
	values := map[string]string{
		"cognito:username": "ann", "email": "ann@example.com", "email_verified": "true",
		"phone_number_verified": "false", "cognito:mfa_enabled": "false",
	}
	row := make([]string, len(header.CSVHeader))
	for i, column := range header.CSVHeader {
		row[i] = values[column]
	}
	file := strings.Join(header.CSVHeader, ",") + "\n" + strings.Join(row, ",") + "\n"

	created, err := client.CreateUserImportJob(ctx, &cognitoidentityprovider.CreateUserImportJobInput{
		UserPoolId: id, JobName: aws.String("first"), CloudWatchLogsRoleArn: &double.Stack.Roles[0].ARN,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	job := created.UserImportJob
	upload, err := http.NewRequestWithContext(ctx, http.MethodPut, *job.PreSignedUrl, strings.NewReader(file))
	if err != nil {
		fmt.Println(err)
		return
	}
	upload.Header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
	uploaded, err := double.Client().Do(upload)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.Copy(io.Discard, uploaded.Body)
	_, err = client.StartUserImportJob(ctx, &cognitoidentityprovider.StartUserImportJobInput{
		UserPoolId: id, JobId: job.JobId,
	})
	for err == nil && job.CompletionDate == nil {
		time.Sleep(time.Millisecond)
		var out *cognitoidentityprovider.DescribeUserImportJobOutput
		out, err = client.DescribeUserImportJob(ctx, &cognitoidentityprovider.DescribeUserImportJobInput{
			UserPoolId: id, JobId: job.JobId,
		})
		if err == nil {
			job = out.UserImportJob
		}
	}
	fmt.Println(job.Status, job.ImportedUsers, err)
	// Output: Succeeded 1 <nil>
}

const (
	pool = `{"UserPool": {
		"Id": "us-east-1_Example1", "Name": "example", "AutoVerifiedAttributes": ["email"], "MfaConfiguration": "OFF",
		"SchemaAttributes": [{"Name": "email", "AttributeDataType": "String", "Mutable": true}]
	}}`
	logsRole = `
Resources:
  ImportLogs:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: {Effect: Allow, Principal: {Service: cognito-idp.amazonaws.com}, Action: sts:AssumeRole}
      Policies:
        - PolicyName: Logs
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              Effect: Allow
              Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
              Resource: !Sub "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/cognito/*"
`
)
