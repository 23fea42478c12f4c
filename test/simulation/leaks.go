package simulation

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// urls are what shows an upload URL, or the credential in it.
var urls = []string{
	"X-Amz-Signature", "x-amz-signature", "X-Amz-Security-Token", "x-amz-security-token", "IQoJb3JpZ2luX2Vj",
}

// checkLeaks: no cell and no name of a source's column is anywhere but in the buckets, and no upload URL even there.
func (r *run) checkLeaks() {
	look := func(where, text string, secrets ...string) {
		for _, secret := range secrets {
			if at := strings.Index(text, secret); at >= 0 {
				r.violation("%s leaks %q: …%s…", where, secret, text[max(0, at-60):min(len(text), at+40)])
			}
		}
	}
	secrets := append([]string{Marker}, urls...)
	look("the functions' log", r.journal.String(), secrets...)
	look("a metric", r.MeasuredText(), secrets...)
	for _, arn := range slices.Sorted(maps.Keys(r.StepFunctions.Machines())) {
		for _, e := range r.StepFunctions.Executions(arn) {
			history, err := r.StepFunctions.History(context.Background(), e.ARN)
			if err != nil {
				r.violation("history: %v", err)
			}
			lapsed := false
			for _, event := range history {
				for _, detail := range event.Details {
					text, _ := detail.(string)
					look("the history of "+e.Name, text, secrets...)
					lapsed = lapsed || strings.Contains(text, `"lapsed":true`)
				}
			}
			if lapsed {
				r.count("upload: URL lapsed")
			}
		}
	}
	for _, group := range r.Logs.Groups() {
		for _, stream := range r.Logs.Streams(group) {
			look("the log "+group, strings.Join(r.Logs.Messages(group, stream), "\n"), secrets...)
		}
	}
	look("an event", text(r.Events.Events()), secrets...)
	look("a message", text(r.SNS.Messages()), secrets...)
	for _, q := range r.Stack.Queues {
		look("the queue "+q.Name, text(r.SQS.Messages(q.Name)), secrets...)
	}
	for _, bucket := range []string{r.Work(), r.Results()} {
		keys, err := r.S3.Keys(bucket, "")
		if err != nil {
			r.violation("list %s: %v", bucket, err)
		}
		for _, key := range keys {
			object, err := r.S3.Get(bucket, key)
			if err != nil {
				r.violation("read %s: %v", key, err)
			}
			look(key, string(object), urls...)
		}
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types
	}
	return string(b)
}
