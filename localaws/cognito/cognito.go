// Package cognito is the double's Amazon Cognito user pools, as far as importing users from CSV files needs them:
// import jobs with their upload, their log and their limits, and enough of pools and users to look at the outcome.
//
// What AWS documents it does; what AWS leaves open is a setting, see [Settings].
package cognito

import (
	"net/http"
	"sync"
	"time"

	"userdrop/localaws/logs"
	"userdrop/localaws/wire"
)

// Service is Cognito user pools in one account and Region. Set the exported fields before the first call.
type Service struct {
	// LogsRole reports whether Cognito can log through a role; nil takes every role. Its error fails the job. It is asked
	// when a job begins and before each batch of rows, and must not call the service.
	LogsRole func(roleARN string) error
	// OnJob sees each job at each change of its status, one at a time and in order. It may call the service.
	OnJob func(Job)
	// Endpoint is the base URL of upload URLs, such as "http://127.0.0.1:4566"; nil is S3's own address. It must not
	// call the service.
	Endpoint func() string

	account  *wire.Account
	logs     *logs.Service
	settings Settings
	api      *wire.API

	mu         sync.Mutex
	pools      map[string]*pool
	jobs       map[string]*job // by id
	maxActive  int
	rates      map[category]*recent
	writes     map[*user]*recent
	late       map[*time.Timer]struct{} // log lines on their way
	changes    []Job                    // that OnJob has not seen
	delivering bool
	closed     bool
}

// New returns a service without pools. The settings must be valid.
func New(account *wire.Account, logs *logs.Service, settings Settings) *Service {
	s := &Service{
		account: account, logs: logs, settings: settings,
		pools: map[string]*pool{}, jobs: map[string]*job{}, late: map[*time.Timer]struct{}{},
		rates: map[category]*recent{}, writes: map[*user]*recent{},
	}
	s.api = wire.JSON(s.operations())
	return s
}

// Settings returns what the service was made with.
func (s *Service) Settings() Settings { return s.settings }

// ServeHTTP answers the operations of the target prefix AWSCognitoIdentityProviderService, and uploads.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if IsUpload(r) {
		s.Upload(w, r)
		return
	}
	s.api.ServeHTTP(w, r)
}

// Operations returns the names of the operations, sorted.
func (s *Service) Operations() []string { return s.api.Operations() }

// Close ends all timers and removes uploaded files. Jobs stay as they are.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, j := range s.jobs {
		j.halt()
		s.discard(j)
	}
	for timer := range s.late {
		timer.Stop()
	}
	clear(s.late)
}

// Jobs returns a pool's import jobs in the order in which they were created.
func (s *Service) Jobs(poolID string) []Job {
	defer s.lock()()
	p := s.pools[poolID]
	if p == nil {
		return nil
	}
	jobs := make([]Job, len(p.jobs))
	for i, j := range p.jobs {
		jobs[i] = j.Job
	}
	return jobs
}

// ActiveJobs returns how many jobs are Pending, InProgress or Stopping.
func (s *Service) ActiveJobs() int {
	defer s.lock()()
	return s.countActive()
}

// MaxActive returns the most jobs that were active at once.
func (s *Service) MaxActive() int {
	defer s.lock()()
	return s.maxActive
}

func (s *Service) countActive() int {
	n := 0
	for _, j := range s.jobs {
		if j.active() {
			n++
		}
	}
	return n
}

// lock locks the service. The returned function unlocks it and calls OnJob with the changes made.
func (s *Service) lock() (unlock func()) {
	s.mu.Lock()
	return s.unlock
}

func (s *Service) unlock() {
	defer s.mu.Unlock()
	for !s.delivering && len(s.changes) > 0 {
		changes := s.changes
		s.changes, s.delivering = nil, true
		s.mu.Unlock()
		for _, change := range changes {
			s.OnJob(change)
		}
		s.mu.Lock()
		s.delivering = false
	}
}

func (s *Service) poolARN(id string) string { return s.account.ARN("cognito-idp", "userpool/"+id) }
