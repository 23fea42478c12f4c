package client

import (
	"context"
	"path"
	"slices"
	"strings"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/contract"
)

// gathered reports whether a file that has no import of its own goes into one with others (GatherSeconds). Once that is
// known, the follower follows the shared import.
func (f *Follower) gathered(ctx context.Context) (bool, error) {
	claim, found, err := f.work.Read(ctx, contract.ClaimKey(f.ImportID))
	switch {
	case awserror.Name(err) == contract.Denied: // people who only read results
		return false, nil
	case err != nil:
		return false, err
	case found:
		shared, _, _ := strings.Cut(string(claim), " ")
		if shared == f.ImportID {
			return false, nil
		}
		f.Progress.Finish("Goes into the import " + shared + ", with what else arrived for the pool")
		f.ImportID, f.Dropped = shared, true // it may be about to start
		return true, nil
	}
	waiting, err := f.waiting(ctx)
	if !slices.Contains(waiting, f.ImportID) {
		return false, err
	}
	f.Progress.Show(Step{Name: "Gathering", Share: -1, Text: "waiting for other files of the pool"})
	return true, nil
}

// waiting lists the files that wait for others of their pools, by the ids that their own imports would have.
func (s *Stack) waiting(ctx context.Context) (ids []string, err error) {
	keys, err := s.work.Keys(ctx, contract.GatheredPrefix)
	if awserror.Name(err) == contract.Denied {
		return nil, nil
	}
	for _, key := range keys {
		ids = append(ids, path.Base(key))
	}
	return ids, err
}
