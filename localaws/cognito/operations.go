package cognito

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"userdrop/localaws/wire"
)

func (s *Service) operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"CreateUserImportJob":   wire.Strict(s.createUserImportJob),
		"DescribeUserImportJob": wire.Strict(s.describeUserImportJob),
		"ListUserImportJobs":    wire.Strict(s.listUserImportJobs),
		"StartUserImportJob":    wire.Strict(s.startUserImportJob),
		"StopUserImportJob":     wire.Strict(s.stopUserImportJob),
		"GetCSVHeader":          wire.Strict(s.getCSVHeader),

		"AddCustomAttributes":  wire.Strict(s.addCustomAttributes),
		"CreateUserPool":       s.createUserPool,
		"DeleteUserPool":       wire.Strict(s.deleteUserPool),
		"DescribeUserPool":     wire.Strict(s.describeUserPool),
		"ListUserPools":        wire.Strict(s.listUserPools),
		"SetUserPoolMfaConfig": wire.Strict(s.setUserPoolMfaConfig),
		"UpdateUserPool":       s.updateUserPool,

		"AdminCreateUser": wire.Strict(s.adminCreateUser),
		"AdminDeleteUser": wire.Strict(s.adminDeleteUser),
		"AdminGetUser":    wire.Strict(s.adminGetUser),
		"ListUsers":       wire.Strict(s.listUsers),

		"AdminDisableUser":          wire.Strict(s.adminDisableUser),
		"AdminEnableUser":           wire.Strict(s.adminEnableUser),
		"AdminUpdateUserAttributes": wire.Strict(s.adminUpdateUserAttributes),

		"AdminAddUserToGroup":      wire.Strict(s.adminAddUserToGroup),
		"AdminListGroupsForUser":   wire.Strict(s.adminListGroupsForUser),
		"AdminRemoveUserFromGroup": wire.Strict(s.adminRemoveUserFromGroup),
		"CreateGroup":              wire.Strict(s.createGroup),
		"GetGroup":                 wire.Strict(s.getGroup),
		"ListGroups":               wire.Strict(s.listGroups),
		"ListUsersInGroup":         wire.Strict(s.listUsersInGroup),
	}
}

// authorize asks for an action on a pool.
func (s *Service) authorize(ctx context.Context, action, poolID string) error {
	return wire.Authorize(ctx, "cognito-idp:"+action, s.poolARN(poolID), nil)
}

func (s *Service) pool(id string) (*pool, error) {
	if p := s.pools[id]; p != nil {
		return p, nil
	}
	return nil, wire.Errorf("ResourceNotFoundException", "User pool %s does not exist.", id)
}

type createUserImportJobInput struct {
	JobName, UserPoolID, CloudWatchLogsRoleARN *string
	PasswordHashingAlgorithm                   string
}

type userImportJobOutput struct{ UserImportJob Job }

func (s *Service) createUserImportJob(ctx context.Context, in createUserImportJobInput) (userImportJobOutput, error) {
	var out userImportJobOutput
	if err := check(
		required("jobName", in.JobName, patternJobName, 1, 128),
		required("userPoolId", in.UserPoolID, patternPoolID, 1, 55),
		required("cloudWatchLogsRoleArn", in.CloudWatchLogsRoleARN, patternARN, 20, 2048),
		choice("passwordHashingAlgorithm", in.PasswordHashingAlgorithm, "BCRYPT", "SCRYPT", "ARGON2ID", "PBKDF2_SHA256"),
	); err != nil {
		return out, err
	}
	if err := s.authorize(ctx, "CreateUserImportJob", *in.UserPoolID); err != nil {
		return out, err
	}
	err := wire.Authorize(ctx, "iam:PassRole", *in.CloudWatchLogsRoleARN,
		map[string]string{"iam:PassedToService": "cognito-idp.amazonaws.com"})
	if err != nil {
		return out, err
	}
	defer s.lock()()
	p, err := s.pool(*in.UserPoolID)
	switch {
	case err != nil:
		return out, err
	case in.PasswordHashingAlgorithm != "" && !s.settings.HashesSupported:
		return out, invalid("PasswordHashingAlgorithm is not supported for this user pool.")
	case len(p.jobs) >= s.settings.JobLimit:
		return out, wire.Errorf("LimitExceededException", "The user pool has reached its limit of import jobs.")
	}
	j := s.create(p, *in.JobName, *in.CloudWatchLogsRoleARN, in.PasswordHashingAlgorithm)
	out.UserImportJob = j.Job
	out.UserImportJob.PreSignedURL, err = s.uploadURL(j, time.Time(j.CreationDate))
	return out, err
}

type jobInput struct{ UserPoolID, JobID *string }

func (s *Service) describeUserImportJob(ctx context.Context, in jobInput) (userImportJobOutput, error) {
	return s.jobOperation(ctx, "DescribeUserImportJob", in, func(*job) error { return nil })
}

func (s *Service) startUserImportJob(ctx context.Context, in jobInput) (userImportJobOutput, error) {
	return s.jobOperation(ctx, "StartUserImportJob", in, s.start)
}

func (s *Service) stopUserImportJob(ctx context.Context, in jobInput) (userImportJobOutput, error) {
	return s.jobOperation(ctx, "StopUserImportJob", in, s.stop)
}

// jobOperation does something with a job and answers the job.
func (s *Service) jobOperation(
	ctx context.Context, action string, in jobInput, do func(*job) error,
) (out userImportJobOutput, err error) {
	if err := check(
		required("userPoolId", in.UserPoolID, patternPoolID, 1, 55),
		required("jobId", in.JobID, patternJobID, 1, 55),
	); err != nil {
		return out, err
	}
	if err := s.authorize(ctx, action, *in.UserPoolID); err != nil {
		return out, err
	}
	defer s.lock()()
	p, err := s.pool(*in.UserPoolID)
	if err != nil {
		return out, err
	}
	j := s.jobs[*in.JobID]
	if j == nil || j.pool != p {
		return out, wire.Errorf("ResourceNotFoundException", "User import job %s does not exist.", *in.JobID)
	}
	if err := do(j); err != nil {
		return out, err
	}
	out.UserImportJob, err = s.show(j)
	return out, err
}

// show is the job as all operations but Create answer it.
func (s *Service) show(j *job) (shown Job, err error) {
	shown = j.Job
	switch s.settings.DescribeURL {
	case "original":
		shown.PreSignedURL, err = s.uploadURL(j, time.Time(j.CreationDate))
	case "resigned":
		shown.PreSignedURL, err = s.uploadURL(j, time.Now())
	}
	return shown, err
}

type listUserImportJobsInput struct {
	UserPoolID      *string
	MaxResults      *int
	PaginationToken string
}

type listUserImportJobsOutput struct {
	UserImportJobs  []Job
	PaginationToken string `json:",omitempty"`
}

// listUserImportJobs answers the job created last first. A page has at most 50 jobs, whatever is asked for.
func (s *Service) listUserImportJobs(
	ctx context.Context, in listUserImportJobsInput,
) (out listUserImportJobsOutput, err error) {
	if err := check(
		required("userPoolId", in.UserPoolID, patternPoolID, 1, 55),
		requiredNumber("maxResults", in.MaxResults, 1, 60),
		member("paginationToken", in.PaginationToken, patternToken, 0, 131072),
	); err != nil {
		return out, err
	}
	if err := s.authorize(ctx, "ListUserImportJobs", *in.UserPoolID); err != nil {
		return out, err
	}
	defer s.lock()()
	p, err := s.pool(*in.UserPoolID)
	if err != nil {
		return out, err
	}
	next := len(p.jobs) - 1
	if in.PaginationToken != "" {
		id, ok := strings.CutPrefix(in.PaginationToken, p.ID+"#")
		id, _, _ = strings.Cut(id, "#")
		last := slices.IndexFunc(p.jobs, func(j *job) bool { return j.JobID == id })
		if !ok || last < 0 {
			return out, invalid("Invalid pagination token.")
		}
		next = last - 1
	}
	visible := time.Now().Add(-time.Duration(s.settings.JobsListedLate))
	out.UserImportJobs = []Job{}
	for ; next >= 0; next-- {
		j := p.jobs[next]
		if time.Time(j.CreationDate).After(visible) {
			continue
		}
		if n := len(out.UserImportJobs); n == min(*in.MaxResults, 50) {
			last := out.UserImportJobs[n-1]
			out.PaginationToken = fmt.Sprintf("%s#%s#%d", p.ID, last.JobID, time.Time(last.CreationDate).UnixMilli())
			break
		}
		shown, err := s.show(j)
		if err != nil {
			return out, err
		}
		out.UserImportJobs = append(out.UserImportJobs, shown)
	}
	return out, nil
}

type poolInput struct{ UserPoolID *string }

type getCSVHeaderOutput struct {
	UserPoolID string `json:"UserPoolId"`
	CSVHeader  []string
}

func (s *Service) getCSVHeader(ctx context.Context, in poolInput) (out getCSVHeaderOutput, err error) {
	p, unlock, err := s.reach(ctx, "GetCSVHeader", in)
	if err != nil {
		return out, err
	}
	defer unlock()
	return getCSVHeaderOutput{UserPoolID: p.ID, CSVHeader: slices.Clone(p.header)}, nil
}

// reach validates, authorises and locks for an operation on a pool.
func (s *Service) reach(ctx context.Context, action string, in poolInput) (p *pool, unlock func(), err error) {
	if err := check(required("userPoolId", in.UserPoolID, patternPoolID, 1, 55)); err != nil {
		return nil, nil, err
	}
	if err := s.authorize(ctx, action, *in.UserPoolID); err != nil {
		return nil, nil, err
	}
	unlock = s.lock()
	if p, err = s.pool(*in.UserPoolID); err != nil {
		unlock()
		return nil, nil, err
	}
	return p, unlock, nil
}

func requiredNumber(name string, value *int, least, most int) []string {
	if value == nil {
		return []string{violation("null", name, "not be null")}
	}
	return number(name, value, least, most)
}

// offset reads a token that is a place in a list.
func offset(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(token)
	if err != nil || n < 0 {
		return 0, invalid("Invalid pagination token.")
	}
	return n, nil
}
