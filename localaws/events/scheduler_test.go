package events_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	gocmp "github.com/google/go-cmp/cmp"

	"userdrop/localaws/events"
	"userdrop/localaws/wire"
)

func hourly() events.Schedule {
	return events.Schedule{
		Name: "sweep", ScheduleExpression: "rate(1 hour)", FlexibleTimeWindow: events.FlexibleTimeWindow{Mode: "OFF"},
		Target: events.ScheduleTarget{ARN: functionARN, RoleARN: roleARN},
	}
}

func TestScheduler(t *testing.T) {
	const scheduleARN = "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/sweep"
	for _, c := range []struct {
		name   string
		change func(*events.Schedule)
		want   []time.Duration // within 25 hours
		body   string
	}{
		{
			"rate", func(s *events.Schedule) { s.ScheduleExpression = "rate(12 hours)"; s.Target.Input = `{}` },
			[]time.Duration{12 * time.Hour, 24 * time.Hour},
			`{}`,
		},
		{"cron in a time zone", func(s *events.Schedule) {
			s.ScheduleExpression, s.ScheduleExpressionTimezone = "cron(30 2 * * ? *)", "Europe/Berlin"
			s.Target.Input = `{"at":"<aws.scheduler.scheduled-time>","of":"<aws.scheduler.schedule-arn>",` +
				`"n":<aws.scheduler.attempt-number>}`
		}, []time.Duration{90 * time.Minute}, `{"at":"2000-01-01T01:30:00Z","of":"` + scheduleARN + `","n":1}`},
		{"at, of a state machine", func(s *events.Schedule) {
			s.ScheduleExpression = "at(2000-01-01T00:00:07)"
			s.Target.ARN, s.Target.Input = machineARN, `1`
		}, []time.Duration{7 * time.Second}, `1`},
		{"disabled", func(s *events.Schedule) { s.State = "DISABLED" }, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r recorder
				s := events.NewScheduler(account(), r.targets())
				in := hourly()
				c.change(&in)
				if err := s.Put(in); err != nil {
					t.Fatal(err)
				}
				time.Sleep(25 * time.Hour)
				s.Close()
				var at []time.Duration
				for _, got := range r.taken() {
					at = append(at, got.At)
					if got.By != roleARN || got.Body != c.body || got.ARN != in.Target.ARN {
						t.Errorf("got %+v", got)
					}
				}
				if diff := gocmp.Diff(c.want, at); diff != "" {
					t.Error("runs (-want +got):\n" + diff)
				}
			})
		})
	}
}

func TestSchedulerDeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recorder{fail: func(int) error { return wire.Errorf("ResourceNotFoundException", "gone") }}
		s := events.NewScheduler(account(), r.targets())
		in := hourly()
		in.Target.DeadLetterConfig = &events.DeadLetterConfig{Arn: deadARN}
		if err := s.Put(in); err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Minute)
		s.Close()
		got := r.taken()
		if len(got) != 1 {
			t.Fatalf("got %+v", got)
		}
		a := got[0].Attributes
		delete(a, "EXECUTION_ID")
		want := map[string]string{
			"ERROR_CODE": "NO_RESOURCE", "ERROR_MESSAGE": "ResourceNotFoundException: gone", "RETRY_ATTEMPTS": "0",
			"SCHEDULE_ARN": "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/sweep", "TARGET_ARN": functionARN,
			"SCHEDULED_TIME": "2000-01-01T01:00:00Z", "IS_PAYLOAD_TRUNCATED": "false",
		}
		if diff := gocmp.Diff(want, a); diff != "" {
			t.Error("attributes (-want +got):\n" + diff)
		}
		if !strings.Contains(got[0].Body, `"source":"aws.scheduler"`) || !strings.Contains(got[0].Body, `"detail":"{}"`) {
			t.Errorf("the default event is %s", got[0].Body)
		}
	})
}

func TestRunNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		s := events.NewScheduler(account(), r.targets())
		defer s.Close()
		in := hourly()
		in.State = "DISABLED"
		if err := s.Put(in); err != nil {
			t.Fatal(err)
		}
		if err := s.RunNow("sweep"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := r.taken(); len(got) != 1 || got[0].At != 0 {
			t.Errorf("got %+v", got)
		}
		if err := s.RunNow("other"); err == nil {
			t.Error("an unknown schedule ran")
		}
	})
}

func TestScheduleRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*events.Schedule)
		want   string
	}{
		{"no name", func(s *events.Schedule) { s.Name = "" }, "name"},
		{"a group", func(s *events.Schedule) { s.GroupName = "g" }, "GroupName"},
		{"a flexible window", func(s *events.Schedule) { s.FlexibleTimeWindow.Mode = "FLEXIBLE" }, "FlexibleTimeWindow"},
		{"an end that archives", func(s *events.Schedule) { s.ActionAfterCompletion = "ARCHIVE" }, "ActionAfterCompletion"},
		{"an unknown zone", func(s *events.Schedule) { s.ScheduleExpressionTimezone = "Europe/Nowhere" }, "Nowhere"},
		{"a bad expression", func(s *events.Schedule) { s.ScheduleExpression = "rate(x)" }, "rate(x)"},
		{"no role", func(s *events.Schedule) { s.Target.RoleARN = "" }, "RoleArn"},
		{
			"a universal target", func(s *events.Schedule) { s.Target.ARN = "arn:aws:scheduler:::aws-sdk:s3:listBuckets" },
			"scheduler",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r recorder
			s := events.NewScheduler(account(), r.targets())
			defer s.Close()
			in := hourly()
			c.change(&in)
			if err := s.Put(in); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestSchedulerSDK(t *testing.T) {
	var r recorder
	s := events.NewScheduler(account(), r.targets())
	t.Cleanup(s.Close)
	connect := func(p wire.Principal) *scheduler.Client {
		return scheduler.New(scheduler.Options{
			Region: "eu-central-1", BaseEndpoint: aws.String(serve(t, s, p)), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		})
	}
	c := connect(nil)
	ctx := t.Context()
	_, err := c.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name: aws.String("sweep"), ScheduleExpression: aws.String("rate(1 hour)"),
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		Target: &types.Target{
			Arn: aws.String(functionARN), RoleArn: aws.String(roleARN), Input: aws.String(`{"a":1}`),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String("sweep")})
	if err != nil || got.State != types.ScheduleStateEnabled || *got.Target.Input != `{"a":1}` {
		t.Fatalf("%+v, %v", got, err)
	}
	if next, ok := s.NextRun("sweep"); !ok || !next.Equal(got.CreationDate.Add(time.Hour).Truncate(time.Millisecond)) &&
		time.Until(next) > time.Hour {
		t.Errorf("next run %v", next)
	}
	_, err = c.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
		Name: got.Name, ScheduleExpression: got.ScheduleExpression, FlexibleTimeWindow: got.FlexibleTimeWindow,
		Target: got.Target, State: types.ScheduleStateDisabled,
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.ListSchedules(ctx, &scheduler.ListSchedulesInput{State: types.ScheduleStateDisabled})
	if err != nil || len(list.Schedules) != 1 || *list.Schedules[0].Target.Arn != functionARN {
		t.Errorf("%+v, %v", list, err)
	}
	_, err = c.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String("none")})
	wantError(t, err, "ResourceNotFoundException")
	_, err = c.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: aws.String("sweep")})
	wantError(t, err, "UnknownOperationException")
	_, err = c.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
		Name: got.Name, ScheduleExpression: got.ScheduleExpression, FlexibleTimeWindow: got.FlexibleTimeWindow,
		Target: got.Target, EndDate: aws.Time(time.Now()),
	})
	wantError(t, err, "ValidationException")
	reader := connect(
		only{action: "scheduler:GetSchedule", resource: "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/sweep"},
	)
	if _, err := reader.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String("sweep")}); err != nil {
		t.Error(err)
	}
	_, err = reader.ListSchedules(ctx, &scheduler.ListSchedulesInput{})
	wantError(t, err, "AccessDeniedException")
}

// TestDeletedAfterCompletion runs a schedule once: its name is free afterwards, and not before.
func TestDeletedAfterCompletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		s := events.NewScheduler(account(), r.targets())
		defer s.Close()
		in := hourly()
		in.ScheduleExpression, in.ActionAfterCompletion = "at(2000-01-01T00:00:07)", "DELETE"
		if err := s.Put(in); err != nil {
			t.Fatal(err)
		}
		if _, there := s.NextRun(in.Name); !there {
			t.Error("the schedule is not there before its run")
		}
		time.Sleep(time.Minute)
		if err := s.RunNow(in.Name); err == nil {
			t.Error("the schedule is there after its run")
		}
		if n := len(r.taken()); n != 1 {
			t.Errorf("it ran %d times, want once", n)
		}
	})
}
