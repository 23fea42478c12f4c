package main

import (
	"fmt"
	"strings"
)

// drops compares single drops of new users with other ways of doing the same.
func (t Table) drops() [][]string {
	rows := [][]string{{
		"Users", "Cognito's jobs", "userdrop", "Jobs", "US$", "Script that polls", "AWS's reference architecture",
		"Loop of `AdminCreateUser`",
	}}
	for _, users := range []float64{1, 100, 10_000, 500_000, 5_000_000, 40_000_000} {
		name := fmt.Sprintf("Imports/%.0f-users", users)
		rows = append(rows, []string{
			whole(users), t.cell(name, "s-of-jobs", span), "+ " + t.cell(name, "s-beside-jobs", span),
			t.cell(name, "jobs", whole), t.cell(name, "US$", dollar), script(users), reference(users), loop(users),
		})
	}
	return rows
}

// kinds are drops that want more than new users, or come in numbers.
func (t Table) kinds() [][]string {
	rows := [][]string{{
		"Drop", "From event to result", "of it beside jobs", "Jobs", "Transitions", "API calls", "Lambda GB-s", "US$",
	}}
	for _, kind := range []struct{ what, name string }{
		{"10,000 users", "10000-users"},
		{"10,000 users, with a mapping", "10000-users-mapping"},
		{"10,000 users, each in one group", "10000-users-groups"},
		{"10,000 users who exist and are updated", "10000-users-updates"},
		{"500,000 users", "500000-users"},
		{"500,000 users in five parts, each in one group", "500000-users-groups"},
		{"1,000 drops of 100 users for 50 pools", "1000-drops-of-100-users"},
		{"the same, with `GatherSeconds` 60", "1000-drops-of-100-users-gathered"},
		{"100 drops of 10,000 users for 50 pools", "100-drops-of-10000-users"},
	} {
		name := "Imports/" + kind.name
		rows = append(rows, []string{
			kind.what, t.cell(name, "s", span), t.cell(name, "s-beside-jobs", span), t.cell(name, "jobs", whole),
			t.cell(name, "transitions", whole), t.cell(name, "calls", whole), t.cell(name, "GB-s", whole), t.cell(name, "US$", dollar),
		})
	}
	return rows
}

// shares has a row for each quota, and a column for each of some drops.
func (t Table) shares() [][]string {
	names := []string{
		"10000-users", "10000-users-groups", "10000-users-updates", "40000000-users", "1000-drops-of-100-users",
		"1000-drops-of-100-users-gathered",
	}
	rows := [][]string{{
		"Quota of an account", "10,000 users", "with groups", "with updates", "40 million users", "1,000 drops at once",
		"the same, gathered",
	}}
	add := func(label, unit string) {
		row := []string{label}
		for _, name := range names {
			cell := t.cell("Shares/"+name, unit, percent)
			if later, _ := t.value("Shares/"+name, unit+"-later"); later > 0 && strings.Contains(name, "drops") {
				cell += ", later " + percent(later)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	add("1,000 jobs of a pool, for life", "jobs")
	for _, q := range quotas {
		add(fmt.Sprintf("`%s`, %v a second", q.name, q.perSecond), q.name)
	}
	add(fmt.Sprintf("state transitions, %s a second", whole(transitionsPerSecond)), "transitions")
	add(fmt.Sprintf("Lambda functions at once, %s", whole(concurrentFunctions)), "concurrency")
	return rows
}

const usersPerSecond = 35 // of Cognito's import jobs

// loop returns the time that a loop of AdminCreateUser takes at the full quota of 50 a second, which it shares with
// sign-ups, and the price of its users, who are active in that month, in the plan Essentials.
// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html https://aws.amazon.com/cognito/pricing/
func loop(users float64) string {
	const creations, free, activeUser = 50, 10_000, 0.015
	return fmt.Sprintf("%s, US$ %s", span(max(users/creations, 1)), whole(max(users-free, 0)*activeUser))
}

// script returns what a script that polls a job every 30 seconds adds. It does not split files.
func script(users float64) string {
	if users > 500_000 {
		return "one job at a time, by hand"
	}
	return "+ up to 30 s"
}

// reference returns what AWS's reference architecture adds to the time of the job. It published three times. For the
// others there is its definition: it waits three times for a minute and polls every 30 seconds with 11 history events.
// https://github.com/aws-solutions/cognito-user-profiles-export-reference-architecture
func reference(users float64) string {
	published := map[float64]float64{10_000: 8.13, 100_000: 56.31, 500_000: 247.63} // minutes
	if took := published[users]; took > 0 {
		return "+ " + span(took*60-users/usersPerSecond)
	}
	const history, eventsOfPoll, poll = 25_000, 11, 30
	if ends := float64(history / eventsOfPoll * poll); users/usersPerSecond > ends {
		return "fails after " + span(ends)
	}
	return "+ over 3 min"
}
