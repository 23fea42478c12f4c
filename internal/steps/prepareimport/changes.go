package prepareimport

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// groupAPI are the operations that the column groups needs.
type groupAPI interface {
	ListGroups(context.Context, *cognito.ListGroupsInput, ...func(*cognito.Options)) (*cognito.ListGroupsOutput, error)
	CreateGroup(context.Context, *cognito.CreateGroupInput, ...func(*cognito.Options)) (*cognito.CreateGroupOutput, error)
}

// maxGroups is Cognito's quota "Groups per user pool", which cannot be raised.
const maxGroups = 10_000

// poolGroups are the groups of a pool; nil where drops have no column groups.
type poolGroups struct {
	names []string
	room  int // for groups that may be created
}

// rules returns the groups for one preparer.
func (g *poolGroups) rules() *usercsv.Groups {
	if g == nil {
		return nil
	}
	return usercsv.NewGroups(g.names, g.room)
}

// listGroups reads the groups of a pool, where drops may have a column groups.
func (p *Prepare) listGroups(ctx context.Context, userPoolID string) (*poolGroups, error) {
	if !p.Config.ApplyGroups {
		return nil, nil
	}
	g := &poolGroups{}
	pages := cognito.NewListGroupsPaginator(p.Cognito, &cognito.ListGroupsInput{
		UserPoolId: &userPoolID, Limit: aws.Int32(60),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the groups of %s: %w", userPoolID, err)
		}
		for _, group := range page.Groups {
			g.names = append(g.names, aws.ToString(group.GroupName))
		}
	}
	if p.Config.CreateGroups {
		g.room = max(maxGroups-len(g.names), 0)
	}
	return g, nil
}

// createGroups creates the groups that accepted rows want and the pool lacks. One that is there was created by an earlier
// run, or by somebody meanwhile.
func (p *Prepare) createGroups(ctx context.Context, userPoolID string, names []string) error {
	for _, name := range names {
		_, err := p.Cognito.CreateGroup(ctx, &cognito.CreateGroupInput{UserPoolId: &userPoolID, GroupName: &name})
		if _, there := errors.AsType[*types.GroupExistsException](err); err != nil && !there {
			return fmt.Errorf("create a group of %s: %w", userPoolID, err)
		}
	}
	return nil
}

// Want keeps what an accepted row wants after the import. A dry run only counts it.
func (s *sink) Want(
	ctx context.Context, part usercsv.Part, place usercsv.Place, username []byte, wanted usercsv.Wanted,
) error {
	s.wanted.Groups.Wanted += int64(len(wanted.Groups))
	if wanted.Enabled != nil {
		s.wanted.State.Wanted++
	}
	if s.dry {
		return nil
	}
	return s.encode(ctx, part.Number, contract.Change{
		Place:    contract.Place{Source: place.Source, Line: place.Line},
		Username: string(username), Groups: wanted.Groups, Enabled: wanted.Enabled,
	})
}

// encode keeps what a row of a part wants; part 0 is of rows whose users exist.
func (s *sink) encode(ctx context.Context, part int, change contract.Change) error {
	if s.changes[part] == nil {
		if s.changes == nil {
			s.changes = map[int]*objects.JSONLines{}
		}
		s.changes[part] = s.work.JSONLines(contract.WantedKey(s.importID, part))
	}
	return s.changes[part].Encode(ctx, change)
}

// closeChanges ends what rows want, by part. The changes of every part but the last are applied while the next one is
// imported.
func (s *sink) closeChanges(parts []contract.ImportJob) error {
	for i := range parts {
		if lines := s.changes[parts[i].Part]; lines != nil {
			var err error
			if parts[i].Changes, err = lines.Close(); err != nil {
				return err
			}
			parts[i].ApplyBeside = i < len(parts)-1
		}
	}
	return nil
}
