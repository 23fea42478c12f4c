package logs

import (
	"context"
	"slices"

	"userdrop/localaws/template"
	"userdrop/localaws/wire"
)

// retentions are the numbers of days that PutRetentionPolicy takes:
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var retentions = []int{
	1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
}

type putRetentionPolicyInput struct {
	LogGroupName    string
	RetentionInDays int
}

func (s *Service) putRetentionPolicy(ctx context.Context, in putRetentionPolicyInput) (any, error) {
	if !slices.Contains(retentions, in.RetentionInDays) {
		return nil, invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: "+
			"Member must satisfy enum value set: %v", in.RetentionInDays, retentions)
	}
	return nil, s.retain(ctx, "PutRetentionPolicy", in.LogGroupName, in.RetentionInDays)
}

type deleteRetentionPolicyInput struct{ LogGroupName string }

func (s *Service) deleteRetentionPolicy(ctx context.Context, in deleteRetentionPolicyInput) (any, error) {
	return nil, s.retain(ctx, "DeleteRetentionPolicy", in.LogGroupName, 0)
}

func (s *Service) retain(ctx context.Context, action, name string, days int) error {
	if !groupName.MatchString(name) {
		return violation(name, "logGroupName", groupName)
	}
	if err := s.authorize(ctx, action, name, ""); err != nil {
		return err
	}
	return s.setRetention(name, days)
}

// Create adds a group of a template. The double reports its retention and keeps the events for ever.
func (s *Service) Create(group template.LogGroup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newGroup(group.Name).days = group.Retention
}

func (s *Service) setRetention(name string, days int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[name]
	if g == nil {
		return wire.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
	}
	g.days = days
	return nil
}
