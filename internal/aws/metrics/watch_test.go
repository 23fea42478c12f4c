package metrics_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop"
	"userdrop/internal/aws/metrics"
	"userdrop/internal/contract"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/test/simulation"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// TestWatched runs imports, and looks whether the template's alarms and dashboard watch series that are measured:
// CloudWatch takes a misspelt name, or a dimension too many, for a metric without data.
func TestWatched(t *testing.T) {
	pool, err := userdrop.Examples.ReadFile("examples/pool.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	rows.WriteString("username,email,email_verified,enabled\n")
	for i := range 4000 {
		disabled := ""
		if i%100 == 0 {
			disabled = "no"
		}
		fmt.Fprintf(&rows, "u%d,u%d@example.com,true,%s\n", i, i, disabled)
	}
	synctest.Test(t, func(t *testing.T) {
		w, err := simulation.New(localaws.Options{
			Pools: []localaws.Pool{{Description: pool}}, Cognito: cognito.Defaults(),
			Parameters: map[string]string{"ImportWindow": "01:00-00:00", "ApplyGroups": "true"},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		for _, name := range []string{"a", "b"} { // the second one waits
			if _, err := w.S3.Put(w.Inbox(), "incoming/us-east-1_Example1/"+name+".csv", []byte(rows.String())); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * time.Hour) // the first one held, and with the sweeps
		measured := map[string]bool{}
		for _, m := range w.Measured() {
			measured[m.Metric+" "+anyValue(m.Dimensions)] = true
			if m.Metric == metrics.RowsProcessed.Name && m.Value > 4000 {
				t.Errorf("%v rows processed since the last look", m.Value)
			}
		}
		shown := map[string]bool{}
		for _, r := range w.Stack.Resources {
			switch r.Type {
			case "AWS::CloudWatch::Alarm":
				for _, s := range ofAlarm(t, r.Properties) {
					if !measured[s] {
						t.Errorf("%s watches %s, which nobody measures", r.LogicalID, s)
					}
				}
			case "AWS::CloudWatch::Dashboard":
				for _, s := range ofDashboard(t, r.Properties["DashboardBody"].(string)) {
					shown[s] = true
					if !measured[s] {
						t.Errorf("the dashboard shows %s, which nobody measures", s)
					}
				}
			}
		}
		if len(shown) == 0 {
			t.Error("the template has no dashboard")
		}
		for s := range measured {
			name, _, _ := strings.Cut(s, " ")
			if name != "RowsRead" && !slices.ContainsFunc(sorted(shown), func(s string) bool {
				return strings.HasPrefix(s, name+" ")
			}) {
				t.Errorf("the dashboard does not show %s", name)
			}
		}
	})
}

// TestRunbook compares the alarms with their entries in the runbook.
func TestRunbook(t *testing.T) {
	text, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(string(text), -1) {
		entries[strings.ToLower(strings.ReplaceAll(m[1], " ", "-"))] = true
	}
	for _, verdict := range verdicts {
		if !regexp.MustCompile("(?m)^\\| `" + string(verdict) + "` ").Match(text) {
			t.Errorf("the runbook says nothing of the verdict %s", verdict)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		w, err := simulation.New(localaws.Options{Cognito: cognito.Defaults(), Parameters: map[string]string{
			"UserPoolArns": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Example1",
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		alarms := 0
		for _, r := range w.Stack.Resources {
			if r.Type != "AWS::CloudWatch::Alarm" {
				continue
			}
			alarms++
			description, _ := r.Properties["AlarmDescription"].(string)
			_, anchor, ok := strings.Cut(description, "See docs/operations.md#")
			if !ok || !entries[anchor] {
				t.Errorf("%s: its description ends with no entry of the runbook: %q", r.LogicalID, description)
			}
			if diff := cmp.Diff("userdrop-"+anchor, r.Properties["AlarmName"]); diff != "" {
				t.Errorf("%s: the alarm is called otherwise than its entry (-want +got):\n%s", r.LogicalID, diff)
			}
			topics, _ := r.Properties["AlarmActions"].([]any)
			if len(topics) != 1 || topics[0] != w.Stack.Output("AlarmTopicArn") {
				t.Errorf("%s tells nobody", r.LogicalID)
			}
		}
		if alarms == 0 {
			t.Error("the template has no alarms")
		}
	})
}

var verdicts = []contract.Verdict{
	contract.VerdictSucceeded, contract.VerdictPartial, contract.VerdictRejected, contract.VerdictChecked, contract.VerdictStopped, contract.VerdictExpired, contract.VerdictFailed,
	contract.VerdictErrored,
}

// anyValue takes the values of dimensions that have many off a series' name.
func anyValue(dimensions string) string {
	for _, name := range []string{"Verdict", "UserPool"} {
		if before, _, ok := strings.Cut(dimensions, name+"="); ok {
			dimensions = before + name
		}
	}
	return dimensions
}

// ofAlarm lists the series of our own that an alarm looks at.
func ofAlarm(t *testing.T, properties map[string]any) (series []string) {
	t.Helper()
	type metric struct {
		Namespace, MetricName string
		Dimensions            []struct{ Name, Value string }
	}
	var alarm struct {
		metric
		Metrics []struct{ MetricStat *struct{ Metric metric } }
	}
	text, err := json.Marshal(properties)
	if err == nil {
		err = json.Unmarshal(text, &alarm)
	}
	if err != nil {
		t.Fatal(err)
	}
	all := []metric{alarm.metric}
	for _, m := range alarm.Metrics {
		if m.MetricStat != nil {
			all = append(all, m.MetricStat.Metric)
		}
	}
	for _, m := range all {
		if m.Namespace != metrics.Namespace {
			continue
		}
		var dimensions []string
		for _, d := range m.Dimensions {
			dimensions = append(dimensions, d.Name+"="+d.Value)
			checkVerdict(t, d.Name, d.Value)
		}
		slices.Sort(dimensions)
		series = append(series, m.MetricName+" "+anyValue(strings.Join(dimensions, ",")))
	}
	return series
}

func checkVerdict(t *testing.T, name, value string) {
	t.Helper()
	if name == "Verdict" && !slices.Contains(verdicts, contract.Verdict(value)) {
		t.Errorf("%s is no verdict", value)
	}
}

// ofDashboard lists the series that a dashboard shows. "." stands for what the row above has there, "..." for all of
// it but the last.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
func ofDashboard(t *testing.T, body string) (series []string) {
	t.Helper()
	var dashboard struct {
		Widgets []struct {
			Properties struct{ Metrics [][]any }
		}
	}
	if err := json.Unmarshal([]byte(body), &dashboard); err != nil {
		t.Fatalf("the dashboard's body: %v", err)
	}
	search := regexp.MustCompile(`\{(\w+),([\w,]+)\} MetricName="(\w+)" Stack="userdrop"`)
	for _, widget := range dashboard.Widgets {
		var above []string
		for _, row := range widget.Properties.Metrics {
			var fields []string
			for _, field := range row {
				switch field := field.(type) {
				case string:
					fields = append(fields, field)
				case map[string]any:
					expression, _ := field["expression"].(string)
					if m := search.FindStringSubmatch(expression); m != nil && m[1] == metrics.Namespace {
						series = append(series, m[3]+" "+strings.Replace(m[2], "Stack", "Stack=userdrop", 1))
					} else if expression != "" {
						t.Errorf("the dashboard's expression is not understood: %s", expression)
					}
				}
			}
			if len(fields) == 0 {
				continue
			}
			if fields[0] == "..." {
				fields = append(slices.Clone(above[:len(above)-len(fields)+1]), fields[1:]...)
			}
			for i := range fields {
				if fields[i] == "." {
					fields[i] = above[i]
				}
			}
			above = fields
			var dimensions []string
			for i := 2; i+1 < len(fields); i += 2 {
				dimensions = append(dimensions, fields[i]+"="+fields[i+1])
				checkVerdict(t, fields[i], fields[i+1])
			}
			slices.Sort(dimensions)
			series = append(series, fields[1]+" "+anyValue(strings.Join(dimensions, ",")))
		}
	}
	return series
}

func sorted(set map[string]bool) (keys []string) {
	for key := range set {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
