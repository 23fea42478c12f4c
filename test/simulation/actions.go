package simulation

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"userdrop/localaws/cognito"
)

// besiege lets a job of another stack's run for longer than a part waits for others, and about as long as its own job
// lives that is not started.
func (s *Scenario) besiege(d draw) {
	if !d.chance(0.01) {
		return
	}
	s.besieged = d.between(10*time.Hour, 30*time.Hour)
	s.environment["MAX_WAIT_FOR_OTHERS_DAYS"] = "0.5"
	s.Settings.LockScope = "account"
	s.Settings.UsersPerSecond = 0.2
	s.environment["USERS_PER_SECOND"] = "0.2"
	if d.chance(0.6) {
		s.Settings.StartWithin = cognito.Duration(12 * time.Hour)
	}
	s.actions = append(s.actions, action{d.between(0, time.Hour), "job of another stack's", func(r *run) {
		rows := int(s.besieged.Seconds() * s.Settings.UsersPerSecond)
		_ = r.Foreign(context.Background(), elsewhere, rows) // refused while one of ours runs
	}})
}

// elsewhere is a pool that the stack does not know of.
const elsewhere = "us-east-1_Elsewhere"

// struck draws a strike.
func struck(d draw) strike {
	s := strike{nth: 1 + d.IntN(4), after: d.between(0, 60*time.Millisecond)}
	s.function = []string{
		"prepare-import", "await-turn", "create-import-job", "copy-to-import-job", "start-import-job",
		"describe-import-job", "collect-rows", "publish-result", "stop-import-jobs", "apply-changes",
	}[d.IntN(10)]
	s.machine = []string{"import-users", "import-users", "import-job"}[d.IntN(3)]
	if s.function == "stop-import-jobs" || s.function == "publish-result" && d.chance(0.3) {
		s.machine = "abort-import"
	}
	if s.function == "apply-changes" && d.chance(0.5) {
		s.machine = s.function
	}
	if d.chance(0.6) {
		s.redrive = d.between(time.Second, 3*time.Hour)
	}
	return s
}

// act adds what people do meanwhile.
func (s *Scenario) act(d draw) {
	s.actOnDrops(d)
	s.actOnPools(d)
	s.sweepBeside(d)
	s.holdQueue(d)
	if d.chance(0.05) {
		from := d.between(0, 2*time.Hour)
		s.logsDown = [2]time.Duration{from, from + d.between(time.Minute, time.Hour)}
	}
}

func (s *Scenario) add(at time.Duration, name string, do func(*run)) {
	s.actions = append(s.actions, action{at, name, do})
}

// actOnDrops drops the files, and breaks off, redrives, overwrites and deletes some.
func (s *Scenario) actOnDrops(d draw) {
	soon := func(drop *Drop) time.Duration { return drop.At + d.between(time.Second, 40*time.Minute) }
	for _, drop := range s.Drops {
		s.add(drop.At, "drop", func(r *run) { r.put(drop) })
	}
	for _, drop := range s.Drops {
		if d.chance(0.1) {
			at := soon(drop)
			s.add(at, "abort", func(r *run) { r.abort(drop) })
			if d.chance(0.4) {
				s.add(at+d.between(0, 3*time.Second), "abort", func(r *run) { r.abort(drop) })
			}
			if d.chance(0.5) {
				s.add(at+d.between(time.Second, 3*time.Hour), "redrive", func(r *run) { r.redrive(drop) })
			}
		}
		if d.chance(0.04) {
			s.add(soon(drop), "part aborted", func(r *run) { r.abortPart() })
		}
		if d.chance(0.06) {
			at := soon(drop)
			s.add(at, "job stopped by hand", func(r *run) { r.stopJob() })
		}
		if d.chance(0.06) && !strings.HasPrefix(drop.Key, "scheduled/") {
			again := *drop
			again.At = soon(drop)
			again.Rows = drop.Rows[:(len(drop.Rows)+1)/2] // another content, so that a mix-up shows
			again.Text = bytes.Join(bytes.SplitAfter(drop.Text, []byte("\n"))[:1+len(again.Rows)], nil)
			drop.vanished = true // the sweep sees the newest version alone
			s.Drops = append(s.Drops, &again)
			s.add(again.At, "source overwritten", func(r *run) { r.put(&again) })
		}
		if d.chance(0.05) {
			drop.vanished = true
			s.add(soon(drop), "source deleted", func(r *run) { r.remove(drop) })
		}
	}
}

// actOnPools starts jobs of others, deletes pools and changes schemas.
func (s *Scenario) actOnPools(d draw) {
	if d.chance(0.2) {
		for range 1 + d.IntN(3) {
			pool, rows, at := s.Pools[d.IntN(len(s.Pools))], 1+d.IntN(20_000), d.between(0, 2*time.Hour)
			s.add(at, "foreign job", func(r *run) {
				_ = r.Foreign(context.Background(), pool.ID, rows) // refused at times: the pool is deleted, or its jobs used up
			})
		}
	}
	if d.chance(0.04) {
		pool := s.Pools[d.IntN(len(s.Pools))]
		s.add(d.between(0, 2*time.Hour), "pool deleted", func(r *run) { r.deletePool(pool) })
	}
	if d.chance(0.05) {
		pool := s.Pools[d.IntN(len(s.Pools))]
		s.add(d.between(0, 2*time.Hour), "schema changed", func(r *run) { r.addAttribute(pool) })
	}
}

// sweepBeside runs sweeps beside those of the schedules.
func (s *Scenario) sweepBeside(d draw) {
	if s.nightly {
		for range d.IntN(4) { // beside the schedule's own, or soon after
			at := night + d.between(-500*time.Millisecond, []time.Duration{time.Second, 40 * time.Minute}[d.IntN(2)])
			s.add(at, "sweep beside the schedule's", func(r *run) { r.sweep("ScheduledSweep") })
		}
	}
	if d.chance(0.1) {
		for range 1 + d.IntN(2) {
			s.add(d.between(0, 5*time.Hour), "sweep for what is lost", func(r *run) { r.sweep("LostSweep") })
		}
	}
}

// holdQueue pauses the queue, and sets an import window.
func (s *Scenario) holdQueue(d draw) {
	if d.chance(0.08) {
		from := d.between(0, 90*time.Minute)
		s.held = [2]time.Duration{from, from + d.between(time.Minute, 5*time.Hour)}
		s.add(s.held[0], "pause", func(r *run) { r.pause() })
		s.add(s.held[1], "resume", func(r *run) { r.resume() })
	}
	if d.chance(0.06) {
		from := d.IntN(24 * 60)
		to := (from + 30 + d.IntN(20*60)) % (24 * 60)
		s.window = [2]time.Duration{time.Duration(from) * time.Minute, time.Duration(to) * time.Minute}
		s.environment["IMPORT_WINDOW"] = fmt.Sprintf("%02d:%02d-%02d:%02d", from/60, from%60, to/60, to%60)
	}
}
