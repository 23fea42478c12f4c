package cognito

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"userdrop/localaws/wire"
)

// Job statuses, of UserImportJobStatusType.
const (
	statusCreated    = "Created"
	statusPending    = "Pending"
	statusInProgress = "InProgress"
	statusStopping   = "Stopping"
	statusExpired    = "Expired"
	statusStopped    = "Stopped"
	statusFailed     = "Failed"
	statusSucceeded  = "Succeeded"
)

const (
	messageSucceeded = "Import Job Completed Successfully."
	messageTooMany   = "Too many users have failed or been skipped during the import."
	messageStopped   = "The Import Job was stopped by the developer."
	messageExpired   = "The user import job has expired."

	testLogLine = "Cognito User Pools Import - Test Log"
)

// Job is an import job as UserImportJobType shows it. In process it comes without its PreSignedURL.
type Job struct {
	JobName                  string
	JobID                    string `json:"JobId"`
	UserPoolID               string `json:"UserPoolId"`
	PreSignedURL             string `json:"PreSignedUrl,omitempty"`
	CreationDate             wire.Epoch
	StartDate                wire.Epoch `json:",omitzero"`
	CompletionDate           wire.Epoch `json:",omitzero"`
	Status                   string
	CloudWatchLogsRoleARN    string `json:"CloudWatchLogsRoleArn"`
	ImportedUsers            int64
	SkippedUsers             int64
	FailedUsers              int64
	CompletionMessage        string `json:",omitempty"`
	PasswordHashingAlgorithm string `json:",omitempty"`
}

type job struct {
	Job
	pool        *pool
	credentials aws.Credentials // that sign its upload URL
	file        *file           // nil until uploaded, and again when the job has ended
	reader      *reader         // while it is in progress

	timer *time.Timer
	turn  int // which timer counts
}

func (j *job) active() bool {
	return j.Status == statusPending || j.Status == statusInProgress || j.Status == statusStopping
}

// after sets the job's one timer: what is to happen next.
func (s *Service) after(j *job, d time.Duration, next func(*job)) {
	j.halt()
	turn := j.turn
	j.timer = time.AfterFunc(d, func() {
		defer s.lock()()
		if !s.closed && j.turn == turn {
			next(j)
		}
	})
}

func (j *job) halt() {
	if j.timer != nil {
		j.timer.Stop()
	}
	j.turn++
}

func (s *Service) become(j *job, status string) {
	j.Status = status
	if j.active() {
		s.maxActive = max(s.maxActive, s.countActive())
	}
	if s.OnJob != nil {
		s.changes = append(s.changes, j.Job)
	}
}

// end takes a job to one of the statuses without a way out. Its file is deleted: "After they complete or expire, Amazon
// Cognito deletes your uploaded CSV file."
func (s *Service) end(j *job, status, message string) {
	j.halt()
	j.CompletionDate, j.CompletionMessage = wire.Epoch(time.Now()), message
	s.discard(j)
	s.become(j, status)
}

func (s *Service) discard(j *job) {
	if j.reader != nil {
		j.reader.close()
		j.reader = nil
	}
	if j.file != nil {
		j.file.remove()
		j.file = nil
	}
}

func (s *Service) create(p *pool, name, roleARN, algorithm string) *job {
	const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	j := &job{pool: p, credentials: s.newCredentials(), Job: Job{
		JobName: name, JobID: "import-" + s.account.IDs.Draw(alphanumeric, 10), UserPoolID: p.ID,
		CreationDate: wire.Epoch(time.Now()), CloudWatchLogsRoleARN: roleARN, PasswordHashingAlgorithm: algorithm,
	}}
	p.jobs = append(p.jobs, j)
	s.jobs[j.JobID] = j
	s.become(j, statusCreated)
	s.after(j, time.Duration(s.settings.StartWithin), func(j *job) { s.end(j, statusExpired, messageExpired) })
	return j
}

// start refuses for the reasons that documentation gives; the words are AWS's where they are known.
func (s *Service) start(j *job) error {
	switch {
	case j.Status != statusCreated:
		return precondition("The user import job %s can't be started: its status is %s", j.JobID, j.Status)
	case j.file == nil:
		return precondition("No csv file was uploaded for %s", j.JobID)
	case len(j.pool.AutoVerifiedAttributes) == 0:
		return precondition("The user pool has no auto verified attributes")
	case s.busy(j.pool):
		return wire.Errorf(s.settings.BusyError, "Another user import job is already active")
	}
	j.StartDate = wire.Epoch(time.Now())
	s.become(j, statusPending)
	s.after(j, s.account.Hurry(time.Duration(s.settings.Pending)), s.begin)
	return nil
}

func precondition(format string, args ...any) error {
	return wire.Errorf("PreconditionNotMetException", format, args...)
}

// busy reports whether a job is active: "Only one import job can be active at a time per account."
func (s *Service) busy(p *pool) bool {
	if s.settings.LockScope == "pool" {
		return p.importing()
	}
	return s.countActive() > 0
}

// stop: "After you stop the job, it cannot be restarted."
func (s *Service) stop(j *job) error {
	switch {
	case j.Status == statusStopping:
		return nil
	case j.Status == statusCreated && s.settings.StopCreated:
		s.end(j, statusStopped, messageStopped)
		return nil
	case !j.active():
		return precondition("The user import job %s can't be stopped: its status is %s", j.JobID, j.Status)
	}
	if s.settings.Stopping == 0 {
		s.end(j, statusStopped, messageStopped)
		return nil
	}
	s.become(j, statusStopping)
	s.after(j, s.account.Hurry(time.Duration(s.settings.Stopping)), func(j *job) {
		s.end(j, statusStopped, messageStopped)
	})
	return nil
}

// begin is the end of Pending: the log is opened and the file looked at as a whole.
func (s *Service) begin(j *job) {
	j.StartDate = wire.Epoch(time.Now())
	if !s.roleUsable(j) {
		return
	}
	s.log(j, testLogLine, testLogLine)
	reader, problem := s.open(j)
	if problem != "" {
		s.end(j, statusFailed, problem)
		return
	}
	j.reader = reader
	s.become(j, statusInProgress)
	s.proceed(j)
}

// roleUsable ends the job when its role is not: a job fails outright when the role cannot be assumed, lacks access or
// was deleted.
func (s *Service) roleUsable(j *job) bool {
	if s.LogsRole == nil {
		return true
	}
	if err := s.LogsRole(j.CloudWatchLogsRoleARN); err != nil {
		s.end(j, statusFailed, "The CloudWatch Logs role cannot be used.")
		return false
	}
	return true
}

// proceed sets the time for the next batch of rows. A batch is small enough for counters to move and for Stop to find
// rows left, and large enough that neither a long job nor a hurried one is all timers.
func (s *Service) proceed(j *job) {
	const shortest = 10 * time.Millisecond
	rate := s.settings.UsersPerSecond
	n := min(max(1, j.file.rows/20), max(1, int64(60*rate)))
	n = min(max(n, int64(rate*shortest.Seconds()*max(1, s.account.Speed))), j.file.rows-j.reader.rows)
	s.after(j, s.account.Hurry(time.Duration(float64(n)/rate*float64(time.Second))), func(j *job) { s.work(j, n) })
}

// work takes n rows, and ends the job after the last.
func (s *Service) work(j *job, n int64) {
	if !s.roleUsable(j) {
		return
	}
	lines := make([]string, 0, n)
	for ; n > 0; n-- {
		number, row, err := j.reader.next()
		if err != nil {
			break
		}
		outcome, message := s.take(j, row)
		switch outcome {
		case succeeded:
			j.ImportedUsers++
		case skipped:
			j.SkippedUsers++
		default:
			j.FailedUsers++
		}
		lines = append(lines, logLine(outcome, number, message))
		if s.settings.FailEarly && s.tooMany(j) {
			break
		}
	}
	s.log(j, lines...)
	over := j.reader.rows >= j.file.rows || j.reader.err != nil
	switch {
	case (over || s.settings.FailEarly) && s.tooMany(j):
		s.end(j, statusFailed, messageTooMany)
	case over:
		s.end(j, statusSucceeded, messageSucceeded)
	default:
		s.proceed(j)
	}
}

func (s *Service) tooMany(j *job) bool {
	bad := j.FailedUsers
	if s.settings.SkippedCountAsFailures {
		bad += j.SkippedUsers
	}
	return bad > 0 && bad >= s.settings.FailMinimum && float64(bad) > s.settings.FailFraction*float64(j.file.rows)
}

// log writes lines to the job's stream, JOB_ID/JOB_NAME, as late and as badly as the settings say.
func (s *Service) log(j *job, lines ...string) {
	group, odd := j.pool.logGroup()
	if s.settings.NoLogGroup || odd && !s.settings.OddPoolNameLogged {
		return
	}
	var kept []string
	for _, line := range lines {
		if s.chance(s.settings.LogMissing) {
			continue
		}
		kept = append(kept, line)
		if s.chance(s.settings.LogDoubled) {
			kept = append(kept, line)
		}
	}
	at, stream := time.Now(), j.JobID+"/"+j.JobName
	write := func() {
		for _, line := range kept {
			s.logs.Append(group, stream, at, line)
		}
	}
	if s.settings.LogDelay <= 0 {
		write()
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(time.Duration(s.settings.LogDelay), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, ok := s.late[timer]; ok {
			delete(s.late, timer)
			write()
		}
	})
	s.late[timer] = struct{}{}
}

func (s *Service) chance(probability float64) bool {
	return probability > 0 && s.account.IDs.Float64() < probability
}
