package simulation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// What the rows of a crowd may want beside a new user.
const (
	WithGroups  = "groups"  // each user is in one group
	WithUpdates = "updates" // each user exists, and has another name than the row
	WithMapping = "mapping" // the columns have names of another product
)

// parameters are those of the stack.
func (c Crowd) parameters() map[string]string {
	var arns []string
	for i := range c.Pools {
		arns = append(arns, "arn:aws:cognito-idp:us-east-1:123456789012:userpool/"+poolName(i))
	}
	parameters := map[string]string{"UserPoolArns": strings.Join(arns, ","), "GatherSeconds": fmt.Sprint(c.GatherSeconds)}
	switch c.With {
	case WithGroups:
		parameters["ApplyGroups"] = "true"
	case WithUpdates:
		parameters["Existing"] = "update"
	}
	return parameters
}

// prepare sets up the pools for what the rows want. Its calls and its time do not count.
func (w *crowd) prepare(ctx context.Context) {
	admin := cognitoidentityprovider.NewFromConfig(w.Config(""))
	var err error
	for i := range w.Pools {
		pool := aws.String(poolName(i))
		switch w.With {
		case WithGroups:
			_, err = admin.CreateGroup(ctx, &cognitoidentityprovider.CreateGroupInput{
				UserPoolId: pool, GroupName: aws.String("staff"),
			})
		case WithMapping:
			_, err = w.S3.Put(w.Inbox(), "mappings/"+*pool+".json", []byte(`{"schema": "userdrop.mapping/v1", "name": "crowd",
				"title": "Crowd", "columns": {"cognito:username": "login", "email": "mail", "email_verified": "confirmed"}}`))
		}
		if err != nil {
			w.fail("%v", err)
		}
	}
	for i := range w.Drops {
		for n := range w.Rows / w.Scale {
			if w.With != WithUpdates {
				break
			}
			name := aws.String(fmt.Sprintf("small-%d-%d", i, n))
			_, err := admin.AdminCreateUser(ctx, &cognitoidentityprovider.AdminCreateUserInput{
				UserPoolId: aws.String(poolName(i % w.Pools)), Username: name, MessageAction: types.MessageActionTypeSuppress,
				UserAttributes: []types.AttributeType{
					{Name: aws.String("email"), Value: aws.String(*name + "@example.com")},
					{Name: aws.String("email_verified"), Value: aws.String("true")},
				},
			})
			if err != nil {
				w.fail("%v", err)
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.started = time.Now()
	clear(w.report.Calls)
}

// put drops a file.
func (w *crowd) put(name string, pool, rows int) {
	head, tail := "cognito:username,email,email_verified", ""
	switch w.With {
	case WithGroups:
		head, tail = head+",groups", ",staff"
	case WithUpdates:
		head, tail = head+",name", ",Another Name"
	case WithMapping:
		head = "login,mail,confirmed"
	}
	var text strings.Builder
	text.WriteString(head + "\n")
	for n := range rows / w.Scale {
		fmt.Fprintf(&text, "%s%d,%s%d@example.com,true%s\n", name, n, name, n, tail)
	}
	key := fmt.Sprintf("incoming/%s/%s.csv", poolName(pool), name)
	if _, err := w.S3.Put(w.Inbox(), key, []byte(text.String())); err != nil {
		w.fail("%v", err)
	}
}
