package publishresult

import "testing"

// TestWayToFind holds the limits of users.csv that docs/changes.md names: 4,500 rows, or 270,000 users.
func TestWayToFind(t *testing.T) {
	for _, test := range []struct {
		rows, users int
		want        way
	}{
		{1, 0, findAll},
		{1, 59, findAll},
		{1, 60, findEach},
		{4500, 40_000_000, findEach},
		{4501, 269_999, findAll},
		{4501, 270_000, findNone},
		{40_000_000, 269_999, findAll},
		{40_000_000, 40_000_000, findNone},
	} {
		if got := wayToFind(test.rows, test.users/60+1); got != test.want {
			t.Errorf("%d rows, %d users: %d, want %d", test.rows, test.users, got, test.want)
		}
	}
}
