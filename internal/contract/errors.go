package contract

// ErrorName is the name under which Step Functions sees an error: an ErrorEquals of the state machines lists it. A test
// compares both lists.
type ErrorName string

const (
	// Throttled: AWS asked for fewer calls. Retried for hours.
	Throttled ErrorName = "Throttled"
	// Unavailable: AWS, or the way to it, had a fault of its own. Retried for hours.
	Unavailable ErrorName = "Unavailable"
	// Denied: a permission is missing. Retrying does not help.
	Denied ErrorName = "Denied"
	// Gone: the pool, the bucket or the object does not exist any more. Retrying does not help.
	Gone ErrorName = "Gone"
	// JobStillActive: a result can't be published while a job of the import runs, or may run because a part broke;
	// abort-import stops it first.
	JobStillActive ErrorName = "JobStillActive"
	// Unexpected: everything else.
	Unexpected ErrorName = "Unexpected"
)

// ErrorNames lists all error names.
var ErrorNames = []ErrorName{Throttled, Unavailable, Denied, Gone, JobStillActive, Unexpected}

// Error is an error with a name for Step Functions.
type Error struct {
	Name ErrorName
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }
