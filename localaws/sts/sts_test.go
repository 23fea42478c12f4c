package sts

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/iam"
	"userdrop/localaws/wire"
)

func TestGetCallerIdentity(t *testing.T) {
	role := iam.NewRole("arn:aws:iam::123456789012:role/path/greet")
	tests := []struct {
		name   string
		caller wire.Principal
		want   []string // ARN, user id, account
	}{
		{"administrator", nil, []string{"arn:aws:iam::123456789012:root", "123456789012", "123456789012"}},
		{"session", role.Session("s1"), []string{
			"arn:aws:sts::123456789012:assumed-role/greet/s1", "greet:s1", "123456789012",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := Handler(&wire.Account{ID: "123456789012", Region: "eu-west-1"})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx := r.Context()
				if tt.caller != nil {
					ctx = wire.WithPrincipal(ctx, tt.caller)
				}
				h.ServeHTTP(w, r.WithContext(ctx))
			}))
			defer server.Close()
			c := sts.New(sts.Options{
				Region: "eu-west-1", BaseEndpoint: &server.URL,
				Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
			})
			got, err := c.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, []string{*got.Arn, *got.UserId, *got.Account}); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestUnknownOperation(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/?Action=AssumeRole&Version=2011-06-15", nil)
	Handler(&wire.Account{}).ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "AssumeRole") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
