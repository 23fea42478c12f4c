package probe

import (
	"context"
	"fmt"
	"math"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// threshold: failFraction, failMinimum, failEarly, skippedCountAsFailures.
func (p *Probe) threshold(ctx context.Context) error {
	end, err := p.bad(ctx, mostBad, mostBad)
	if err != nil {
		return err
	}
	if end.Status != types.UserImportJobStatusTypeFailed {
		p.settle("failFraction", 2, "with %d of %d rows failed the job ended %s", mostBad, mostBad, tally(end))
		for _, name := range []string{"failMinimum", "failEarly", "skippedCountAsFailures"} {
			p.unsettled(name, "failed rows did not fail a job")
		}
		return nil
	}
	p.settle("failEarly", processed(end) < mostBad, "with all of %d rows bad the job ended %s", mostBad, tally(end))
	if err := p.fraction(ctx); err != nil {
		return err
	}
	// The least number of failed rows, all rows being bad, with which a job fails.
	passes, fails := 0, mostBad
	for fails-passes > 1 {
		n := (passes + fails) / 2
		end, err := p.bad(ctx, n, n)
		if err != nil {
			return err
		}
		if end.Status == types.UserImportJobStatusTypeFailed {
			fails = n
		} else {
			passes = n
		}
	}
	p.settle("failMinimum", fails, "of as many rows, %d failed ones fail a job and %d do not", fails, passes)

	known := p.users(mostBad)
	if _, _, err := p.imported(ctx, p.plain, p.file(known...)); err != nil {
		return err
	}
	_, end, err = p.imported(ctx, p.plain, p.file(known...))
	if err != nil {
		return err
	}
	p.settle("skippedCountAsFailures", end.Status == types.UserImportJobStatusTypeFailed,
		"with all of %d users known already the job ended %s", mostBad, tally(end))
	return nil
}

// fraction looks for the share of failed rows above which a job fails, to a twentieth.
func (p *Probe) fraction(ctx context.Context) error {
	passes, fails := -1.0, 1.0
	try := func(rows int) error {
		share := float64(mostBad) / float64(rows)
		end, err := p.bad(ctx, mostBad, rows)
		if err != nil {
			return err
		}
		if end.Status == types.UserImportJobStatusTypeFailed {
			fails = share
		} else {
			passes = share
		}
		return nil
	}
	if err := try(mostRows); err != nil {
		return err
	}
	for passes >= 0 && fails-passes > 0.05 {
		if err := try(int(math.Round(mostBad / ((passes + fails) / 2)))); err != nil {
			return err
		}
	}
	p.settle("failFraction", simplest(passes, fails), "%s", between(passes, fails))
	return nil
}

func between(passes, fails float64) string {
	if passes < 0 {
		return fmt.Sprintf("%.1f %% of the rows failed fail a job", 100*fails)
	}
	return fmt.Sprintf("%.1f %% of the rows failed fail a job, %.1f %% do not", 100*fails, 100*passes)
}

// simplest is the fraction with the fewest decimals that is at least passes and below fails: more than it fails a job.
func simplest(passes, fails float64) float64 {
	if passes < 0 {
		return 0
	}
	for _, unit := range []float64{2, 10, 20, 100} {
		if f := math.Ceil(passes*unit) / unit; f < fails {
			return f
		}
	}
	return passes
}

// bad imports rows of which some fail, spread evenly, so that a share of the rows so far is a share of them all.
func (p *Probe) bad(ctx context.Context, bad, rows int) (*types.UserImportJobType, error) {
	users := p.users(rows)
	for i := range bad {
		at := (i+1)*rows/bad - 1
		users[at] = failing(users[at])
	}
	_, end, err := p.imported(ctx, p.plain, p.file(users...))
	return end, err
}
