// Package prepareimport checks a drop against its user pool and writes its parts in Cognito's dialect: the last look before
// one of the pool's 1,000 import jobs is spent.
package prepareimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"userdrop/internal/aws/changes"
	"userdrop/internal/aws/imports"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
	"userdrop/internal/phonenumber"
	"userdrop/internal/usercsv"
)

// Prepare is the handler of prepare-import.
type Prepare struct {
	Cognito interface {
		DescribeUserPool(
			context.Context, *cognito.DescribeUserPoolInput, ...func(*cognito.Options),
		) (*cognito.DescribeUserPoolOutput, error)
		GetCSVHeader(
			context.Context, *cognito.GetCSVHeaderInput, ...func(*cognito.Options),
		) (*cognito.GetCSVHeaderOutput, error)
		ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
		groupAPI
	}
	Machine *sfn.Client
	S3      *s3.Client
	Work    *objects.Store
	Imports imports.Imports
	Config  Config
	// Settings are the settings of the CSV rules that Config names.
	Settings usercsv.Settings
}

// Config is the environment of prepare-import.
type Config struct {
	WorkBucket          string                  `env:"WORK_BUCKET"`
	ResultsBucket       string                  `env:"RESULTS_BUCKET"`
	UserPools           lambdahandler.UserPools `env:"USER_POOL_ARNS"`
	AssumeVerified      string                  `env:"ASSUME_VERIFIED"`
	DefaultPhoneCountry string                  `env:"DEFAULT_PHONE_COUNTRY" envDefault:""`
	DateOrder           string                  `env:"DATE_ORDER" envDefault:"auto"`
	NullText            string                  `env:"NULL_TEXT" envDefault:""`
	IgnoreColumns       string                  `env:"IGNORE_COLUMNS" envDefault:""`
	IDColumn            string                  `env:"ID_COLUMN" envDefault:""`
	Mapping             string                  `env:"MAPPING" envDefault:""`
	MaxRejectedPercent  float64                 `env:"MAX_REJECTED_PERCENT"`
	CheckExistingUsers  bool                    `env:"CHECK_EXISTING_USERS"`
	Existing            Existing                `env:"EXISTING" envDefault:"skip"`
	UserMap             bool                    `env:"USER_MAP" envDefault:"false"`
	ApplyGroups         bool                    `env:"APPLY_GROUPS" envDefault:"false"`
	CreateGroups        bool                    `env:"CREATE_GROUPS" envDefault:"false"`
	MaxImportDays       float64                 `env:"MAX_IMPORT_DAYS"`
	// ApplyChangesARN is the machine apply-changes; empty in a stack that does not update existing users.
	ApplyChangesARN string `env:"APPLY_CHANGES_ARN" envDefault:""`
	// PartRows and PartBytes are Cognito's limits of one import job; simulations lower them.
	PartRows  int   `env:"PART_ROWS" envDefault:"500000"`
	PartBytes int64 `env:"PART_BYTES" envDefault:"100000000"`
	// How long a run looks at the users of a pool, about half of the function's time; how many calls it makes for each
	// checkpoint; and how many users a call answers. Simulations lower them.
	LookTime        time.Duration `env:"LOOK_TIME" envDefault:"7m"`
	CheckpointCalls int           `env:"CHECKPOINT_CALLS" envDefault:"450"`
	UsersPerPage    int           `env:"USERS_PER_PAGE" envDefault:"60"`
	// MaxTurns is contract.PartPlan's, for simulations.
	MaxTurns int `env:"MAX_TURNS" envDefault:"0"`
}

// New builds the handler of functions/prepare-import.
func New(cfg aws.Config, environ map[string]string) (lambda.Handler, error) {
	config, err := lambdahandler.Environment[Config](environ)
	if err != nil {
		return nil, err
	}
	settings, err := config.settings(phonenumber.New())
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg)
	return lambdahandler.Handler((&Prepare{
		Cognito: cognito.NewFromConfig(cfg), Machine: sfn.NewFromConfig(cfg), S3: client,
		Work: objects.New(client, config.WorkBucket), Imports: imports.New(client, config.ResultsBucket, config.WorkBucket),
		Config: config, Settings: settings,
	}).Handle), nil
}

// settings are the settings of the CSV rules.
func (c Config) settings(numbers usercsv.PhoneNumbers) (usercsv.Settings, error) {
	return usercsv.ParseSettings(usercsv.SettingTexts{
		AssumeVerified: c.AssumeVerified, DefaultPhoneCountry: c.DefaultPhoneCountry, DateOrder: c.DateOrder,
		NullText: c.NullText, IgnoreColumns: c.IgnoreColumns, IDColumn: c.IDColumn,
	}, numbers)
}

// beforeDeadline is what a run leaves for its clean-up. A drop that it can't prepare by then is TooLarge.
const beforeDeadline = 30 * time.Second

// Input is the input of prepare-import: a drop, or the answer of publish-result where another run is needed.
type Input struct {
	contract.Drop
	Again *contract.Import `json:"again"`
}

// Handle answers the parts of a drop, or that it needs another run. What it found out is the Plan in the work bucket, which
// a second run finds there and goes by. A file that is refused has no parts; its plan says why.
func (p *Prepare) Handle(ctx context.Context, in Input) (contract.Import, error) {
	drop := in.Drop
	if in.Again != nil {
		drop = in.Again.Drop
	}
	answer := contract.Import{Drop: drop, Parts: []contract.ImportJob{}}
	if drop.Schema != contract.Schema {
		return answer, fmt.Errorf(
			"the execution's input has schema %d, not %d: it comes from another release", drop.Schema, contract.Schema,
		)
	}
	published, err := p.Imports.AlreadyPublished(ctx, drop.ImportID)
	if err != nil || published {
		return answer, err
	}
	var plan contract.Plan
	if found, err := p.Work.ReadJSON(ctx, contract.PlanKey(drop.ImportID), &plan); err != nil {
		return answer, err
	} else if found {
		return plan.Import, p.updateBeside(ctx, &plan)
	}
	// A second run goes by the first one's time: birthdates are compared with it.
	began, err := objects.WriteJSONIfAbsent(ctx, p.Work, contract.BeganKey(drop.ImportID), time.Now().UTC())
	if err != nil {
		return answer, err
	}
	plan = contract.Plan{Import: answer, StartedAt: began, Problems: []contract.Problem{}}
	if err := p.plan(ctx, &plan); errors.Is(err, errUnfinished) {
		answer.Preparing = true
		return answer, nil
	} else if err != nil {
		return answer, err
	}
	if plan, err = objects.WriteJSONIfAbsent(ctx, p.Work, contract.PlanKey(drop.ImportID), plan); err != nil {
		return answer, err
	}
	slog.InfoContext(ctx, "Prepared.", "importId", drop.ImportID, "parts", len(plan.Parts), "refused", plan.Refused)
	return plan.Import, p.updateBeside(ctx, &plan)
}

// updateBeside starts to change existing users while the parts, which are of new ones, are imported. Without a part
// publish-result asks for it at once.
func (p *Prepare) updateBeside(ctx context.Context, plan *contract.Plan) error {
	if plan.Updates.Key == "" || len(plan.Parts) == 0 || p.Config.ApplyChangesARN == "" {
		return nil
	}
	return changes.Start(ctx, p.Machine, p.Config.ApplyChangesARN, contract.ApplyChanges{
		Schema: contract.Schema, ImportID: plan.ImportID, UserPoolID: plan.UserPoolID,
		Execution: contract.ApplyName(plan.ImportID, 0, 0), TimeoutSeconds: plan.TimeoutSeconds,
	})
}

// plan fills in the plan of a drop. It fails only where our own workflow does: what is wrong with the drop is in it.
func (p *Prepare) plan(ctx context.Context, plan *contract.Plan) error {
	sources := []contract.Object{plan.Source}
	if plan.Manifest != "" {
		sources = nil
		if found, err := p.Work.ReadJSON(ctx, plan.Manifest, &sources); err != nil || !found {
			return errors.Join(err, fmt.Errorf("the sweep's list of files %s can't be read", p.Work.URL(plan.Manifest)))
		}
	}
	for _, source := range sources {
		plan.Sources = append(plan.Sources, contract.PlannedSource{Object: source})
	}
	if plan.Manifest == "" && contract.InRoot(plan.Source.Key) {
		refuse(plan, usercsv.Refuse(contract.PoolNotAllowed, "The file lies in the root of the inbox bucket, which "+
			"names no user pool, and stays there. Put it under incoming/<user pool id>/, and delete this one."))
		return nil
	}
	pool, users, err := p.pool(ctx, plan.UserPoolID)
	if err == nil {
		plan.Pool, err = json.Marshal(pool)
	}
	if err == nil {
		plan.Settings, err = json.Marshal(p.Settings)
	}
	if err == nil {
		err = p.prepare(ctx, plan, pool, users)
	}
	if refusal, refused := errors.AsType[*usercsv.Refusal](err); refused {
		refuse(plan, refusal)
		return nil
	}
	return err
}

// refuse refuses all sources of a plan.
func refuse(plan *contract.Plan, refusal *usercsv.Refusal) {
	plan.Refused = true
	plan.Problems, plan.Notes = refusal.Problems, nil
	plan.Outcomes, plan.Exclusions = contract.Object{}, contract.Object{}
	for i := range plan.Sources {
		s := &plan.Sources[i]
		s.Read, s.Excluded, s.Rejected, s.Notes, s.Mapping, s.ExcludedBy = 0, 0, 0, nil, nil, nil
		if !s.Refused {
			s.Refused, s.Problems = true, refusal.Problems
		}
	}
}

// pool reads what the rules need to know of a pool, and about how many users it has.
func (p *Prepare) pool(ctx context.Context, id string) (pool *usercsv.Pool, users int, err error) {
	if !slices.Contains(p.Config.UserPools, id) {
		return nil, 0, usercsv.Refuse(contract.PoolNotAllowed, "")
	}
	described, err := p.Cognito.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &id})
	if _, none := errors.AsType[*types.ResourceNotFoundException](err); none {
		return nil, 0, usercsv.Refuse(contract.PoolNotAllowed, "")
	}
	if err != nil {
		return nil, 0, fmt.Errorf("describe user pool %s: %w", id, err)
	}
	header, err := p.Cognito.GetCSVHeader(ctx, &cognito.GetCSVHeaderInput{UserPoolId: &id})
	if err != nil {
		return nil, 0, fmt.Errorf("get the CSV header of %s: %w", id, err)
	}
	up := described.UserPool
	pool = &usercsv.Pool{
		ID: id, MFA: usercsv.MFA(up.MfaConfiguration), Header: header.CSVHeader,
		UsernameAttributes: texts(up.UsernameAttributes), AliasAttributes: texts(up.AliasAttributes),
		AutoVerified:  texts(up.AutoVerifiedAttributes),
		CaseSensitive: up.UsernameConfiguration == nil || aws.ToBool(up.UsernameConfiguration.CaseSensitive),
		ApplyGroups:   p.Config.ApplyGroups,
	}
	for _, a := range up.SchemaAttributes {
		attribute := usercsv.Attribute{
			Name: aws.ToString(a.Name), Type: usercsv.DataType(a.AttributeDataType), Required: aws.ToBool(a.Required),
			Immutable: a.Mutable != nil && !*a.Mutable,
		}
		var minLength, maxLength, minValue, maxValue string
		if c := a.StringAttributeConstraints; c != nil {
			minLength, maxLength = aws.ToString(c.MinLength), aws.ToString(c.MaxLength)
		}
		if c := a.NumberAttributeConstraints; c != nil {
			minValue, maxValue = aws.ToString(c.MinValue), aws.ToString(c.MaxValue)
		}
		if err := attribute.SetBounds(minLength, maxLength, minValue, maxValue); err != nil {
			return nil, 0, fmt.Errorf("the schema of %s: %w", id, err)
		}
		pool.Attributes = append(pool.Attributes, attribute)
	}
	return pool, int(up.EstimatedNumberOfUsers), nil
}

func texts[T ~string](values []T) []string {
	var out []string
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

// parts reads the sources of a plan and writes its parts.
func (p *Prepare) parts(ctx context.Context, plan *contract.Plan, pool *usercsv.Pool, sink *sink) error {
	knows, err := p.existingSink(ctx, plan, pool, sink)
	if err != nil {
		return err
	}
	of, err := p.listGroups(ctx, pool.ID)
	if err != nil {
		return err
	}
	groups := of.rules()
	preparer, err := p.preparer(plan, pool, groups, knows)
	if err != nil {
		return err
	}
	if err := p.read(ctx, plan, pool, of, groups, preparer); err != nil {
		return err
	}
	return p.finish(ctx, plan, pool, preparer, sink, groups)
}

// prepare reads the sources of a plan. A *usercsv.Refusal refuses the drop.
func (p *Prepare) prepare(ctx context.Context, plan *contract.Plan, pool *usercsv.Pool, users int) error {
	parent := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-beforeDeadline))
		defer cancel()
	}
	// Uploads that a failure leaves behind are cleaned up with parent.
	sink := &sink{
		work: p.Work, importID: plan.ImportID, outcomes: p.Work.JSONLines(contract.RejectedKey(plan.ImportID)),
		exclusions: p.Work.JSONLines(contract.ExclusionsKey(plan.ImportID)), timeout: p.timeout(),
	}
	plan.PoolUsers = users
	if p.Config.UserMap && plan.Mode != contract.ModeCheck {
		sink.accepted = p.Work.JSONLines(contract.AcceptedKey(plan.ImportID))
	}
	if sink.dry = plan.Mode == contract.ModeCheck; sink.dry && p.Config.CheckExistingUsers {
		sink.roster = &roster{pool: pool, most: maxLooks, hashes: maxNames}
	}
	err := p.parts(ctx, plan, pool, sink)
	if err == nil && sink.roster != nil {
		plan.Existing, err = p.existing(ctx, sink.roster, users)
	}
	if err != nil {
		sink.discard()
		if parent.Err() == nil && ctx.Err() != nil {
			return usercsv.Refuse(contract.TooLarge, "")
		}
		return err
	}
	return nil
}
