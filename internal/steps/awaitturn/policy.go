package awaitturn

import (
	"fmt"
	"hash/fnv"
	"time"

	"userdrop/internal/contract"
)

// pollPolicy decides how long a part waits before it looks at the queue again.
type pollPolicy struct {
	// partOverhead is the time that a part takes beside its rows: states, a pending job, the last look. Err low: polling
	// early costs one call, polling late leaves the account idle.
	partOverhead time.Duration
	// minPoll keeps the polling of a long queue under a quarter of ListExecutions' quota.
	minPoll time.Duration
	// nextInLinePoll is minPoll for the next in line; a thousandth of the first one's job where that is more.
	nextInLinePoll time.Duration
	// busyPoll is the least for the first in line while another job is active.
	busyPoll time.Duration
	// shortJob is the length of a job up to which the next in line does not look how far it is: finding the job costs a
	// call for each pool. Behind one above longJob, those whose turn comes soon after it look as well.
	shortJob, longJob time.Duration
	// lastLook is the rest of the first one's job after which the next in line does not look again before its end.
	lastLook time.Duration
	// perPool is the time for each pool looked at: a quarter of the 20 calls a second that an account has.
	// https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
	perPool time.Duration
	// maxPollPerPlace bounds the time, for each place, that is lost when an estimate is wrong.
	maxPollPerPlace time.Duration
	// maxOverduePoll bounds the wait of those behind one that should be done, and behind a job of unknown length.
	maxOverduePoll time.Duration
}

var defaultPolicy = pollPolicy{
	partOverhead:    10 * time.Second,
	minPoll:         10 * time.Second,
	nextInLinePoll:  2 * time.Second,
	busyPoll:        30 * time.Second,
	shortJob:        20 * time.Second,
	longJob:         5 * time.Minute,
	lastLook:        time.Minute,
	perPool:         200 * time.Millisecond,
	maxPollPerPlace: time.Hour,
	maxOverduePoll:  5 * time.Minute,
}

// view is what a part sees of the queue.
type view struct {
	place      int           // the number of parts ahead
	ahead      time.Duration // the time that they still need
	first      time.Duration // the time that the first one's job takes as a whole
	looked     int           // the number of pools looked at for the first one's job
	sinceMoved time.Duration // since the place last changed
}

// looksAtFirst reports whether it is worth a call for each pool to see how far the first one's job is.
func (p pollPolicy) looksAtFirst(v view) bool {
	return v.place == 1 && v.first > p.shortJob || v.first > p.longJob && v.ahead-v.first <= p.longJob
}

// overdueNotice is how overdue the first in line is when people are told so.
const overdueNotice = 10 * time.Minute

// overdue returns how long ago the first in line should have been done.
func (p pollPolicy) overdue(v view) time.Duration { return v.sinceMoved - p.partOverhead - v.first }

// wait returns how long a part waits that is not the first in line, or is while a job of unknown length is active:
// somebody else's, or one that an aborted part left behind.
func (p pollPolicy) wait(v view) time.Duration {
	if v.place == 0 {
		return min(max(v.sinceMoved/2, p.busyPoll), p.maxOverduePoll)
	}
	// Where the first in line should be done by now, it waits itself: for a job of somebody else's, maybe for hours.
	overdue := p.overdue(v)
	least := max(time.Duration(v.looked)*p.perPool, min(overdue/10, p.maxOverduePoll))
	if v.place > 1 {
		return min(max(v.ahead/2, least, p.minPoll), time.Duration(v.place)*p.maxPollPerPlace)
	}
	// The next in line is only one, and may ask more often: what it oversleeps, the account stands idle.
	wait := v.ahead - p.partOverhead
	if v.looked == 0 || wait > p.lastLook {
		wait /= 2
	}
	return min(max(wait, least, p.nextInLinePoll, v.first/1000), p.maxPollPerPlace)
}

// withJitter adds up to a quarter to a wait, so that many parts do not ask at once. A hash of the execution and the turn
// says how much, and so the same run repeats itself.
func withJitter(job contract.ImportJob, wait time.Duration) time.Duration {
	hash := fnv.New32a()
	fmt.Fprintf(hash, "%d %s", job.Turns, job.Execution)
	return wait + wait/4*time.Duration(hash.Sum32()%1024)/1024
}
