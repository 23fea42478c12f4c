// Package slack_test sends results through the example's rule.
package slack_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"userdrop/internal/report"
	"userdrop/internal/report/sample"
	"userdrop/localaws/events"
	"userdrop/localaws/wire"
)

// TestPosts sends every kind of result through the rule, and looks at what is posted: JSON with a text, and only for
// the verdicts that somebody should see.
func TestPosts(t *testing.T) {
	text, err := os.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Parameters map[string]struct {
			Default string `yaml:"Default"`
		} `yaml:"Parameters"`
		Resources map[string]struct {
			Properties struct {
				EventPattern map[string]any `yaml:"EventPattern"`
				Targets      []struct {
					InputTransformer struct {
						InputPathsMap map[string]string `yaml:"InputPathsMap"`
						InputTemplate string            `yaml:"InputTemplate"`
					} `yaml:"InputTransformer"`
				} `yaml:"Targets"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	rule := template.Resources["ImportFinished"].Properties
	verdicts := strings.Split(template.Parameters["Verdicts"].Default, ", ")
	rule.EventPattern["detail"] = map[string]any{"verdict": verdicts}
	pattern, err := json.Marshal(rule.EventPattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sample.All() {
		t.Run(s.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account := &wire.Account{ID: "123456789012", Region: "us-east-1", IDs: wire.NewIDs(1)}
				var posted []string
				bus := events.NewBus(account, events.Options{Targets: events.Targets{
					Queue: func(_ context.Context, _ string, body []byte, _ map[string]string) error {
						posted = append(posted, string(body))
						return nil
					},
					Principal: func(string, string, string) wire.Principal { return nil }, // nobody to refuse
				}})
				defer bus.Close()
				transformer := rule.Targets[0].InputTransformer
				if err := bus.PutRule(events.Rule{Name: "slack", EventPattern: pattern, Targets: []events.Target{{
					ID: "Slack", ARN: "arn:aws:sqs:us-east-1:123456789012:slack",
					InputTransformer: &events.InputTransformer{
						InputPathsMap: transformer.InputPathsMap, InputTemplate: transformer.InputTemplate,
					},
				}}}); err != nil {
					t.Fatal(err)
				}
				detail := report.Event(s.Result)
				bus.Put(wire.Event{Source: report.EventSource, DetailType: report.EventDetailType, Detail: detail})
				time.Sleep(time.Minute)
				synctest.Wait()
				want := 0
				if slices.Contains(verdicts, string(detail.Verdict)) {
					want = 1
				}
				if diff := cmp.Diff(want, len(posted)); diff != "" {
					t.Fatalf("posts (-want +got):\n%s", diff)
				}
				for _, body := range posted {
					var post map[string]string
					if err := json.Unmarshal([]byte(body), &post); err != nil {
						t.Fatalf("%v in %s", err, body)
					}
					if want := "*" + string(detail.Verdict) + "* " + detail.Message + "\n"; !strings.HasPrefix(post["text"], want) {
						t.Errorf("posted %q, want it to begin with %q", post["text"], want)
					}
				}
			})
		})
	}
}
