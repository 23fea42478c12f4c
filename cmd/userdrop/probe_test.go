package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// TestProbeInterrupted: tools/probe tests what is found out; here, that Ctrl-C removes what was made.
func TestProbeInterrupted(t *testing.T) {
	d := deploy(t, doubleOptions{speed: 100})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code := execute(ctx, []string{"probe", "--stack", "userdrop"}, strings.NewReader(""), &stdout, &stderr)
	if code != int(exitInterrupted) {
		t.Errorf("exit code %d, want %d: %s", code, exitInterrupted, stderr.String())
	}
	if !strings.Contains(stderr.String(), "Making two scratch pools") {
		t.Errorf("it does not say what it does: %s", stderr.String())
	}
	pools, err := cognito.NewFromConfig(d.Config("")).ListUserPools(t.Context(), &cognito.ListUserPoolsInput{
		MaxResults: aws.Int32(60),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(pools.UserPools) != 1 || *pools.UserPools[0].Id != examplePool {
		t.Errorf("%d pools after the interruption, want the stack's alone", len(pools.UserPools))
	}
}

func TestProbeNeedsARole(t *testing.T) {
	workplace(t)
	for _, args := range [][]string{
		{"probe"},
		{"probe", "--stack", "userdrop", "--logs-role-arn", "arn:aws:iam::123456789012:role/logs"},
	} {
		if code, _, _ := userdrop(args...); code != exitUsage {
			t.Errorf("%q: exit code %d, want %d", args, code, exitUsage)
		}
	}
}
