package rowoutcomes

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/objects"
	"userdrop/internal/aws/userpool"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv/dialect"
)

// lookTime bounds the look for users before an attempt: 4,500 names, or 270,000 users.
const lookTime = 10 * time.Minute

// existing returns, of the rows that would go on in the next attempt, those whose users exist already. Cognito fails a
// job "when too many users have failed or been skipped", maybe at the first few: a nightly full list would use up its
// attempts on existing users, and its new ones, further down, would never get in. Rows that the look's calls do not
// cover proceed unchanged.
func (c *Collector) existing(ctx context.Context, job contract.ImportJob, t *tally) (map[int]bool, error) {
	if !t.goesOn || job.Job.Skipped == 0 {
		return nil, nil
	}
	var plan contract.Plan
	found, err := c.work.ReadJSON(ctx, contract.PlanKey(job.ImportID), &plan)
	if err != nil || !found || plan.Pool == nil {
		return nil, err
	}
	var pool userpool.Pool
	if err := json.Unmarshal(plan.Pool, &pool); err != nil {
		return nil, fmt.Errorf("decode the pool of a plan: %w", err)
	}
	rows, names, err := c.withoutLogLine(ctx, job, t)
	if err != nil {
		return nil, err
	}
	look := userpool.NewLook(c.users, pool, lookTime)
	defer look.Stop()
	existing := map[int]bool{}
	if len(rows) <= look.Left {
		err = each(ctx, look, rows, names, existing)
	} else {
		byName := make(map[string]int, len(rows))
		for i, row := range rows {
			byName[pool.Key(names[i])] = row
		}
		err = look.Users(ctx, "", func(name string) {
			if row, ok := byName[pool.Key(name)]; ok {
				existing[row] = true
			}
		})
	}
	if errors.Is(err, userpool.ErrEnough) || awserror.Name(err) == contract.Throttled {
		err = nil // somebody else needs the API
	}
	return existing, err
}

func each(ctx context.Context, look *userpool.Look, rows []int, names []string, existing map[int]bool) error {
	for i, row := range rows {
		there, err := look.Has(ctx, names[i])
		if err != nil {
			return err
		}
		if there {
			existing[row] = true
		}
	}
	return nil
}

// withoutLogLine reads the usernames of the rows that have no outcome.
func (c *Collector) withoutLogLine(
	ctx context.Context, job contract.ImportJob, t *tally,
) (rows []int, names []string, err error) {
	body, err := objects.OpenVersion(ctx, c.s3, job.Object)
	if err != nil {
		return nil, nil, err
	}
	defer body.Close()
	lines := bufio.NewReaderSize(body, 64<<10)
	header, err := lines.ReadString('\n')
	if err != nil {
		return nil, nil, fmt.Errorf("read the rows of the attempt: %w", err)
	}
	usernames := dialect.NewUsernames(header)
	for i := range job.Rows {
		line, err := lines.ReadString('\n')
		if err != nil && !(errors.Is(err, io.EOF) && line != "") {
			return nil, nil, fmt.Errorf("read the rows of the attempt: %w", err)
		}
		if o, _ := t.log.row(i); o == noLogLine {
			rows, names = append(rows, i), append(names, usernames.Of(line))
		}
	}
	return rows, names, nil
}
