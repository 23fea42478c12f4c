package batches

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"userdrop/internal/contract"
)

// TakeGathered starts an import of the files that a pool has gathered, or several where one would be too large. Each file
// has a record in the work bucket, which start-import writes before it makes sure that a schedule calls this function.
// A record is removed once an import that lists its file was started: what a killed run leaves behind, the next one
// takes.
func (b *Batches) TakeGathered(ctx context.Context, userPoolID string, at time.Time) (contract.Started, error) {
	started := contract.Started{Imports: []string{}}
	files, err := b.gathered(ctx, userPoolID)
	if err != nil {
		return started, err
	}
	var gs groups
	for _, f := range files {
		gs.add(userPoolID, f.Object)
	}
	var errs []error
	others := map[string]owner{}
	for _, g := range gs.all {
		id := contract.GatherID(userPoolID, at, g.number)
		listed, err := b.start(ctx, id, g, b.claimGathered, others)
		if err == nil && len(listed) > 0 {
			started.Imports = append(started.Imports, id)
		}
		if err == nil {
			err = b.forget(ctx, g, listed, others)
		}
		errs = append(errs, err)
	}
	return started, errors.Join(errs...)
}

// gathered reads the records of a pool, in the order in which the files arrived.
func (b *Batches) gathered(ctx context.Context, userPoolID string) ([]contract.Gathered, error) {
	keys, err := b.work.Keys(ctx, contract.GatheredPoolPrefix(userPoolID))
	if err != nil {
		return nil, err
	}
	files := make([]contract.Gathered, len(keys))
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, key := range keys {
		group.Go(func() error {
			_, err := b.work.ReadJSON(reading, key, &files[i])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(f contract.Gathered) bool { return f.Key == "" }) // another run was faster
	slices.SortFunc(files, func(a, b contract.Gathered) int {
		return cmp.Or(a.ArrivedAt.Compare(b.ArrivedAt), cmp.Compare(a.Key, b.Key), cmp.Compare(a.VersionID, b.VersionID))
	})
	return files, nil
}

// claimGathered reports whether a gathered file is this import's to take. Another import keeps it, unless that one was
// never started or does not list it.
func (b *Batches) claimGathered(
	ctx context.Context, id string, file contract.Object, others map[string]owner,
) (bool, error) {
	won, err := b.work.WriteOnce(ctx, claimKey(file), "text/plain", claimText(id))
	if won || err != nil {
		return won, err
	}
	by, tag, since, err := b.claimant(ctx, file)
	if err != nil {
		return false, err
	}
	age := time.Since(since)
	if by == id && age < staleClaim-2*sweepTime {
		return true, nil // an earlier try of this run, and nobody takes the file over before this one ends
	}
	if by != id {
		o, err := b.owner(ctx, by, others)
		if err != nil || o.execution == nil && !o.neverStarted(age) || slices.Contains(o.files, file) {
			return false, err
		}
		slog.WarnContext(ctx, "Taking over a file whose import came to nothing.", "importId", id, "from", by)
	}
	return b.work.Replace(ctx, claimKey(file), "text/plain", claimText(id), tag)
}

// ClaimAlone reports whether a file that no event started an import of is its own import's to take.
func (b *Batches) ClaimAlone(ctx context.Context, drop contract.Drop) (bool, error) {
	return b.claimGathered(ctx, drop.ImportID, drop.Source, map[string]owner{})
}

// forget removes the records of the files that are on the list of an import that was started.
func (b *Batches) forget(
	ctx context.Context, g *group, listed []contract.Object, others map[string]owner,
) error {
	var keys []string
	for _, file := range g.files {
		if !slices.Contains(listed, file) {
			by, _, _, err := b.claimant(ctx, file)
			if err != nil {
				return err
			}
			if o, err := b.owner(ctx, by, others); err != nil || o.execution == nil || !slices.Contains(o.files, file) {
				if err != nil {
					return err
				}
				continue
			}
		}
		keys = append(keys, contract.GatheredKey(g.pool, contract.ImportID(file)))
	}
	if len(keys) == 0 {
		return nil
	}
	return b.work.EraseKeys(ctx, contract.GatheredPoolPrefix(g.pool), keys)
}
