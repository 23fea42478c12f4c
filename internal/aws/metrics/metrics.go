// Package metrics writes measurements in CloudWatch's Embedded Metric Format: a line of JSON on standard output, out of
// which CloudWatch Logs makes metrics, so that a function needs neither a call nor a permission to measure.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
//
// A measurement holds counts, times, the ids of the import and of its pool, and its verdict: never a cell of a row.
package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// Namespace is where CloudWatch shows them.
const Namespace = "userdrop"

// Metric is a name and its unit, which CloudWatch takes together.
type Metric struct{ Name, Unit string }

// What is measured. The alarms and the dashboard of template.yaml look at these; docs/operations.md explains them.
var (
	// Of each published result.
	Imports         = Metric{"Imports", "Count"} // also by Verdict
	RowsRead        = Metric{"RowsRead", "Count"}
	RowsRejected    = Metric{"RowsRejected", "Count"}
	RowsImported    = Metric{"RowsImported", "Count"}
	RowsSkipped     = Metric{"RowsSkipped", "Count"}
	RowsFailed      = Metric{"RowsFailed", "Count"}
	RowsUnprocessed = Metric{"RowsUnprocessed", "Count"}
	DurationSeconds = Metric{"DurationSeconds", "Seconds"}
	QueueSeconds    = Metric{"QueueSeconds", "Seconds"}
	UsersPerSecond  = Metric{"UsersPerSecond", "Count/Second"} // of its jobs while they ran
	JobsUsed        = Metric{"JobsUsed", "Count"}              // of the pool's budget for life; also by UserPool

	// Of the queue and of a job at work.
	QueueLength   = Metric{"QueueLength", "Count"}
	QueueHeld     = Metric{"QueueHeld", "Count"}     // 1 while it is paused or the import window is shut
	RowsProcessed = Metric{"RowsProcessed", "Count"} // by the running job since the last look

	// Of the changes after an import, in rows.
	ChangesLeft   = Metric{"ChangesLeft", "Count"}   // of the part in hand
	ChangesDone   = Metric{"ChangesDone", "Count"}   // by one run of the loop
	ChangesHeld   = Metric{"ChangesHeld", "Count"}   // 1 while the loop is paused
	ChangesFailed = Metric{"ChangesFailed", "Count"} // changes, when the result is published

	// Of the hourly sweep.
	OldestImportSeconds = Metric{"OldestImportSeconds", "Seconds"} // of the imports under way; 0 where there is none
	LostDrops           = Metric{"LostDrops", "Count"}             // files that no event had told of
	LostResults         = Metric{"LostResults", "Count"}           // imports that were over without a result
)

// Value is one measured value.
type Value struct {
	Metric
	Value float64
}

// Of is a metric's value.
func (m Metric) Of(value float64) Value { return Value{m, value} }

// Stack is the name of the CloudFormation stack that measures, and the dimension that all metrics have. A function
// embeds it in its environment.
type Stack struct {
	StackName string `env:"STACK_NAME"`
}

// Dimension is a further dimension of some values.
type Dimension struct{ Name, Value string }

// Verdict is the dimension of a result's verdict.
func Verdict[V ~string](v V) Dimension { return Dimension{"Verdict", string(v)} }

// UserPool is the dimension of a pool.
func UserPool(id string) Dimension { return Dimension{"UserPool", id} }

// Put writes values of the stack as a whole. The import's id is not a dimension, but a field to search the log by.
func (s Stack) Put(ctx context.Context, importID string, values ...Value) {
	s.put(ctx, importID, nil, values)
}

// PutBy writes values twice: for the stack, and by one more dimension.
func (s Stack) PutBy(ctx context.Context, importID string, by Dimension, values ...Value) {
	s.put(ctx, importID, &by, values)
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []Metric
}

func (s Stack) put(ctx context.Context, importID string, by *Dimension, values []Value) {
	d := directive{Namespace: Namespace, Dimensions: [][]string{{"Stack"}}}
	line := map[string]any{"Stack": s.StackName}
	if importID != "" {
		line["importId"] = importID
	}
	if by != nil {
		d.Dimensions = append(d.Dimensions, []string{"Stack", by.Name})
		line[by.Name] = by.Value
	}
	for _, v := range values {
		d.Metrics = append(d.Metrics, v.Metric)
		line[v.Name] = v.Value
	}
	line["_aws"] = map[string]any{"Timestamp": time.Now().UnixMilli(), "CloudWatchMetrics": []directive{d}}
	text, err := json.Marshal(line)
	if err == nil {
		_, err = fmt.Fprintf(writer(ctx), "%s\n", text) // one write, so that lines do not mix
	}
	if err != nil { // no import fails because nobody could measure it
		slog.WarnContext(ctx, "A measurement is lost.", "error", err)
	}
}

type writerKey struct{}

// To makes Put write to w, not to standard output: for those who run functions in a process of their own.
func To(ctx context.Context, w io.Writer) context.Context {
	return context.WithValue(ctx, writerKey{}, w)
}

func writer(ctx context.Context) io.Writer {
	if w, ok := ctx.Value(writerKey{}).(io.Writer); ok {
		return w
	}
	return os.Stdout
}
