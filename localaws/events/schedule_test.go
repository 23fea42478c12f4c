package events_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/localaws/events"
)

func TestExpression(t *testing.T) {
	const layout = "2006-01-02T15:04 -0700"
	for _, c := range []struct {
		name, text, zone, after string
		want                    []string // the next runs
	}{
		{
			"rate", "rate(5 minutes)", "UTC", "2026-01-01T00:00 +0000",
			[]string{"2026-01-01T00:05 +0000", "2026-01-01T00:10 +0000"},
		},
		{"rate of one", "rate(1 hour)", "UTC", "2026-01-01T00:30 +0000", []string{"2026-01-01T01:00 +0000"}},
		{"at", "at(2026-06-01T12:00:00)", "Europe/Berlin", "2026-01-01T00:00 +0000", []string{"2026-06-01T12:00 +0200"}},
		{"each day", "cron(15 10 * * ? *)", "UTC", "2026-01-01T10:15 +0000", []string{"2026-01-02T10:15 +0000"}},
		{
			"weekdays", "cron(0 18 ? * MON-FRI *)", "UTC", "2026-01-02T18:00 +0000",
			[]string{"2026-01-05T18:00 +0000", "2026-01-06T18:00 +0000"},
		},
		{
			"days of week by number", "cron(0 0 ? * 1,7 *)", "UTC", "2026-01-01T00:00 +0000",
			[]string{"2026-01-03T00:00 +0000", "2026-01-04T00:00 +0000"},
		},
		{
			"days of week over the end", "cron(0 0 ? * FRI-MON *)", "UTC", "2026-01-05T00:00 +0000",
			[]string{"2026-01-09T00:00 +0000", "2026-01-10T00:00 +0000", "2026-01-11T00:00 +0000", "2026-01-12T00:00 +0000"},
		},
		{
			"steps", "cron(0/20 8-9 * * ? *)", "UTC", "2026-01-01T08:30 +0000",
			[]string{"2026-01-01T08:40 +0000", "2026-01-01T09:00 +0000"},
		},
		{
			"last day", "cron(0 0 L * ? *)", "UTC", "2026-02-01T00:00 +0000",
			[]string{"2026-02-28T00:00 +0000", "2026-03-31T00:00 +0000"},
		},
		{
			"nearest weekday", "cron(0 0 1W * ? *)", "UTC", "2026-07-30T00:00 +0000",
			[]string{"2026-08-03T00:00 +0000", "2026-09-01T00:00 +0000"},
		},
		{
			"third monday", "cron(0 0 ? * MON#3 *)", "UTC", "2026-01-01T00:00 +0000",
			[]string{"2026-01-19T00:00 +0000", "2026-02-16T00:00 +0000"},
		},
		{
			"last friday", "cron(0 0 ? * 6L *)", "UTC", "2026-01-01T00:00 +0000",
			[]string{"2026-01-30T00:00 +0000", "2026-02-27T00:00 +0000"},
		},
		{
			"months and years", "cron(0 0 29 FEB ? 2027-2032)", "UTC", "2026-01-01T00:00 +0000",
			[]string{"2028-02-29T00:00 +0000", "2032-02-29T00:00 +0000"},
		},
		{
			"summer and winter time", "cron(0 3 * * ? *)", "Europe/Berlin", "2026-03-28T03:00 +0000",
			[]string{"2026-03-29T03:00 +0200"},
		},
		{
			"a time that is skipped", "cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T12:00 +0000",
			[]string{"2026-03-30T02:30 +0200"},
		},
		{
			"a time that is repeated", "cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00 +0000",
			[]string{"2026-10-25T02:30 +0200", "2026-10-26T02:30 +0100"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			expression, err := events.ParseExpression(c.text, zone, start)
			if err != nil {
				t.Fatal(err)
			}
			after, err := time.Parse(layout, c.after)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range c.want {
				next, ok := expression.Next(after)
				if !ok {
					t.Fatal("no next run")
				}
				got = append(got, next.In(zone).Format(layout))
				after = next
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("runs (-want +got):\n" + diff)
			}
		})
	}
}

func TestExpressionsThatEnd(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, text := range []string{"at(2025-12-31T23:59:59)", "cron(0 0 * * ? 2025)", "cron(0 0 31 FEB ? *)"} {
		expression, err := events.ParseExpression(text, time.UTC, now)
		if err != nil {
			t.Fatal(err)
		}
		if next, ok := expression.Next(now); ok {
			t.Errorf("%s runs at %v", text, next)
		}
	}
}

func TestExpressionRefuses(t *testing.T) {
	for _, text := range []string{
		"", "rate(5 minutes", "rate(0 minutes)", "rate(1 minutes)", "rate(5 minute)", "rate(5 weeks)", "rate(9000000 days)",
		"every(5 minutes)",
		"at(2026-01-01)", "cron(0 0 * * ?)", "cron(0 0 * * * *)", "cron(0 0 ? * ? *)", "cron(60 0 * * ? *)",
		"cron(0 24 * * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 * 13 ? *)", "cron(0 0 ? * 8 *)", "cron(0 0 ? * MON#6 *)",
		"cron(0 0 * * ? 1969)", "cron(0/0 0 * * ? *)", "cron(a 0 * * ? *)", "cron(0 0 ? * MON,TUEL *)", "cron(, 0 * * ? *)",
	} {
		if _, err := events.ParseExpression(text, time.UTC, time.Time{}); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func FuzzExpression(f *testing.F) {
	f.Add("rate(5 minutes)", int64(0))
	f.Add("cron(0/15 8-17 ? * MON-FRI *)", int64(1e9))
	f.Add("cron(0 0 1W * ? *)", int64(2e9))
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		after := time.Unix(seconds%(1<<33), 0)
		expression, err := events.ParseExpression(text, time.UTC, time.Unix(0, 0))
		if err != nil {
			return
		}
		if next, ok := expression.Next(after); ok && !next.After(after) {
			t.Errorf("%s after %v is %v", text, after, next)
		}
	})
}
