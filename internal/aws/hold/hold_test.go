package hold

import (
	"testing"
	"time"
)

func TestWindow(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, berlin)
	}
	for _, c := range []struct {
		name, window string
		now          time.Time
		want         time.Duration
	}{
		{"no window", "", at(6, 1, 12, 0), 0},
		{"begins when it ends", "08:00-08:00", at(6, 1, 12, 0), 0},
		{"inside", "08:00-17:30", at(6, 1, 12, 0), 0},
		{"at its opening", "08:00-17:30", at(6, 1, 8, 0), 0},
		{"at its close", "08:00-17:30", at(6, 1, 17, 30), 14*time.Hour + 30*time.Minute},
		{"before", "08:00-17:30", at(6, 1, 6, 45), 75 * time.Minute},
		{"over midnight, in the evening", "22:00-06:00", at(6, 1, 23, 0), 0},
		{"over midnight, in the morning", "22:00-06:00", at(6, 1, 5, 59), 0},
		{"over midnight, by day", "22:00-06:00", at(6, 1, 6, 0), 16 * time.Hour},
		{"over the end of the month", "22:00-06:00", at(7, 1, 1, 0), 0},
		{"the night is an hour shorter", "06:00-07:00", at(3, 28, 23, 0), 6 * time.Hour},
		{"the night is an hour longer", "06:00-07:00", at(10, 24, 23, 0), 8 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w Window
			if err := w.UnmarshalText([]byte(c.window)); err != nil {
				t.Fatal(err)
			}
			if got := w.opensIn(c.now); got != c.want {
				t.Errorf("opens in %v, want %v", got, c.want)
			}
		})
	}
	for _, bad := range []string{"8-17", "08:00", "24:00-06:00", "08:00-17:60", "08:00-17:30-"} {
		if err := new(Window).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
