package contract

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ExecutionName is the name of an import-job execution. It shows the other executions in the queue how many rows the
// part has and since when it waits.
//
//	users-3f9a…-p2-r500000-0            the second part's first execution
//	users-3f9a…-p2-r500000-tt2k9c0-g3-0 its third, in the queue since t (Unix seconds in base 36)
//
// The last number is the Redrive count of the import-users execution, which the state machine appends; the payload's
// Execution is the name without it.
type ExecutionName struct {
	ImportID   string
	Part       int
	Rows       int
	Ticket     time.Time // when the part entered the queue; zero means when the execution started
	Generation int       // from 1; each successor counts one up
}

// executionName takes names apart. The import id is greedy: a file name may look like any of the later fields, and so
// the fields are those furthest to the right.
var executionName = regexp.MustCompile(`^(.+)-p(\d+)-r(\d+)(?:-t([0-9a-z]+))?(?:-g(\d+))?(?:-\d+)?$`)

// String returns the name without the Redrive count.
func (n ExecutionName) String() string {
	name := fmt.Sprintf("%s-p%d-r%d", n.ImportID, n.Part, n.Rows)
	if !n.Ticket.IsZero() {
		name += "-t" + strconv.FormatInt(n.Ticket.Unix(), 36)
	}
	if n.Generation > 1 {
		name += "-g" + strconv.Itoa(n.Generation)
	}
	return name
}

// ParseExecutionName reads a name with or without its Redrive count. ok is false for a name that is not one of
// userdrop's.
func ParseExecutionName(name string) (n ExecutionName, ok bool) {
	m := executionName.FindStringSubmatch(name)
	if m == nil {
		return ExecutionName{}, false
	}
	n = ExecutionName{ImportID: m[1], Generation: 1}
	var errs [4]error
	n.Part, errs[0] = strconv.Atoi(m[2])
	n.Rows, errs[1] = strconv.Atoi(m[3])
	if m[4] != "" {
		var seconds int64
		seconds, errs[2] = strconv.ParseInt(m[4], ticketBase(m[4]), 64)
		n.Ticket = time.Unix(seconds, 0).UTC()
	}
	if m[5] != "" {
		n.Generation, errs[3] = strconv.Atoi(m[5])
	}
	for _, err := range errs {
		if err != nil {
			return ExecutionName{}, false
		}
	}
	return n, n.Rows > 0
}

// ticketBase is 36, but 10 for names from before tickets were shortened: today's seconds have 10 decimal digits and 6
// in base 36.
func ticketBase(ticket string) int {
	if len(ticket) >= 10 && strings.Trim(ticket, "0123456789") == "" {
		return 10
	}
	return 36
}
