package contract

import "time"

// Job is what is known of a Cognito import job, except its upload URL.
type Job struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Status      string    `json:"status"` // a UserImportJobStatusType, or "" while there is no job
	Message     string    `json:"message,omitempty"`
	Imported    int64     `json:"imported"`
	Skipped     int64     `json:"skipped"`
	Failed      int64     `json:"failed"`
	CreatedAt   time.Time `json:"createdAt,omitzero"`
	StartedAt   time.Time `json:"startedAt,omitzero"`
	CompletedAt time.Time `json:"completedAt,omitzero"`
}

// Processed returns the number of rows that the job has an outcome for.
func (j Job) Processed() int64 { return j.Imported + j.Skipped + j.Failed }

// The statuses of a Cognito import job that userdrop decides by.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserImportJobType.html
const (
	jobCreated    = "Created"
	jobPending    = "Pending"
	jobInProgress = "InProgress"
	jobStopping   = "Stopping"
	jobFailed     = "Failed"
	jobExpired    = "Expired"
)

// Active reports whether the job occupies the account's only slot for import jobs.
func (j Job) Active() bool {
	switch j.Status {
	case jobPending, jobInProgress, jobStopping:
		return true
	default:
		return false
	}
}

// Created reports whether the job waits for its upload or its start.
func (j Job) Created() bool { return j.Status == jobCreated }

// Ended reports whether the job is over, however it ended.
func (j Job) Ended() bool { return j.Status != "" && !j.Active() && !j.Created() }

// HasFailed reports whether Cognito gave the job up, maybe after some of its rows.
func (j Job) HasFailed() bool { return j.Status == jobFailed }

// NeverRan reports whether the job expired before it was started, so that another job may try.
func (j Job) NeverRan() bool { return j.Status == jobExpired && j.Processed() == 0 }
