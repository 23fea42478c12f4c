// Package prepareimport checks a drop against its user pool and writes its parts in Cognito's dialect: the last look before
// one of the pool's 1,000 import jobs is spent.
package prepareimport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/aws/imports"
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/aws/objects"
	"userdrop/internal/contract"
	"userdrop/internal/mapping"
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
	// PartRows and PartBytes are Cognito's limits of one import job; simulations lower them.
	PartRows  int   `env:"PART_ROWS" envDefault:"500000"`
	PartBytes int64 `env:"PART_BYTES" envDefault:"100000000"`
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
		Cognito: cognito.NewFromConfig(cfg), S3: client,
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

// Handle answers the parts of a drop. What it found out is the Plan in the work bucket, which a second run finds there
// and goes by. A file that is refused has no parts; its plan says why.
func (p *Prepare) Handle(ctx context.Context, drop contract.Drop) (contract.Import, error) {
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
	if found, err := p.Work.ReadJSON(ctx, contract.PlanKey(drop.ImportID), &plan); err != nil || found {
		return plan.Import, err
	}
	// A second run goes by the first one's time: birthdates are compared with it.
	began, err := objects.WriteJSONIfAbsent(ctx, p.Work, contract.BeganKey(drop.ImportID), time.Now().UTC())
	if err != nil {
		return answer, err
	}
	plan = contract.Plan{Import: answer, StartedAt: began, Problems: []contract.Problem{}}
	if err := p.plan(ctx, &plan); err != nil {
		return answer, err
	}
	plan, err = objects.WriteJSONIfAbsent(ctx, p.Work, contract.PlanKey(drop.ImportID), plan)
	slog.InfoContext(ctx, "Prepared.", "importId", drop.ImportID, "parts", len(plan.Parts), "refused", plan.Refused)
	return plan.Import, err
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
		sink.roster = &roster{pool: pool}
	}
	err := p.read(ctx, plan, pool, sink, users)
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

func (p *Prepare) read(
	ctx context.Context, plan *contract.Plan, pool *usercsv.Pool, sink *sink, users int,
) error {
	of, err := p.listGroups(ctx, pool.ID)
	if err != nil {
		return err
	}
	groups := of.rules()
	knows, err := p.existingSink(ctx, plan, pool, sink, users)
	if err != nil {
		return err
	}
	preparer, err := p.preparer(plan, pool, groups, knows)
	if err != nil {
		return err
	}
	several := len(plan.Sources) > 1
	taken := 0
	var found mappings
	for i := range plan.Sources {
		source := &plan.Sources[i]
		expected, err := p.sidecar(ctx, source)
		var asked terms
		if err == nil {
			asked, err = p.terms(ctx, plan, expected, &found)
		}
		if err == nil && several { // one bad file must not spoil the others: look before
			err = p.stream(ctx, source.Object, expected, func(r io.Reader) (int, error) {
				return p.examine(ctx, r, plan, pool, of.rules(), asked)
			})
			expected = nil // a version does not change: once is enough
		}
		if refusal, refused := errors.AsType[*usercsv.Refusal](err); refused && several {
			source.Refused, source.Problems = true, refusal.Problems
			plan.Problems = contract.MergeProblems(plan.Problems, refusal.Problems)
			preparer.Skip()
			continue
		}
		if err != nil {
			return err
		}
		err = p.stream(ctx, source.Object, expected, func(r io.Reader) (int, error) {
			return p.add(ctx, r, plan, pool, preparer, groups, source, asked)
		})
		if refusal, refused := errors.AsType[*usercsv.Refusal](err); refused && several && !refusal.Has(contract.TooLarge) {
			// It was deleted between the two looks. The next try passes over it.
			return &contract.Error{Name: contract.Unavailable, Err: fmt.Errorf("source %d went between two looks", i+1)}
		}
		if err != nil {
			return err
		}
		taken++
	}
	if taken == 0 {
		return &usercsv.Refusal{Problems: plan.Problems}
	}
	summary, err := preparer.Close()
	if err != nil {
		return err
	}
	plan.Problems = contract.MergeProblems(plan.Problems, summary.Problems)
	plan.Notes = summary.Notes
	if refusal := p.tooManyRejected(summary.Read-summary.Excluded, summary.Rejected); refusal != nil && !several {
		if plan.Mode != contract.ModeCheck {
			return refusal
		}
		plan.Problems = contract.MergeProblems(plan.Problems, refusal.Problems) // and the rows that make them too many
	}
	if plan.Outcomes, err = sink.outcomes.Close(); err != nil {
		return err
	}
	if plan.Exclusions, err = sink.exclusions.Close(); err != nil {
		return err
	}
	if err := sink.closeUpdates(plan); err != nil {
		return err
	}
	if plan.Mode == contract.ModeCheck {
		return nil
	}
	if groups != nil {
		if err := p.createGroups(ctx, pool.ID, groups.Missing); err != nil {
			return err
		}
	}
	for _, part := range summary.Parts {
		plan.Parts = append(plan.Parts, p.importJob(plan, part, sink.parts[part.Number]))
	}
	return sink.closeChanges(plan.Parts)
}

// add prepares one source and notes in the plan what was found out.
func (p *Prepare) add(
	ctx context.Context, r io.Reader, plan *contract.Plan, pool *usercsv.Pool, preparer *usercsv.Preparer,
	groups *usercsv.Groups, source *contract.PlannedSource, asked terms,
) (rows int, err error) {
	settings, engine, err := p.mapped(plan, pool, groups, asked)
	if err == nil {
		err = preparer.Use(settings)
	}
	if err != nil {
		return 0, err
	}
	if asked.settings != nil {
		if source.Settings, err = json.Marshal(settings); err != nil {
			return 0, err
		}
	}
	text := &beginning{Reader: r}
	summary, err := preparer.Add(ctx, text)
	if refusal, refused := errors.AsType[*usercsv.Refusal](err); refused && engine == nil {
		refusal.Problems, _ = mapping.Hint(refusal.Problems, text.kept)
	}
	source.Read, source.Rejected, source.Problems = summary.Read, summary.Rejected, summary.Problems
	source.Notes = summary.Notes
	if engine != nil && err == nil {
		account := engine.Account()
		source.Excluded, source.Mapping, source.ExcludedBy = summary.Excluded, account.Result(), account.Excluded()
		source.Delimiter, source.Positions = string(summary.Header.Delimiter), asked.mapping.Positions
	}
	return summary.Read, err
}

// rules are the settings of the CSV rules for a drop.
func (p *Prepare) rules(plan *contract.Plan, groups *usercsv.Groups) usercsv.Settings {
	settings := p.Settings
	settings.Began, settings.Groups = plan.StartedAt, groups
	return settings
}

func (p *Prepare) preparer(
	plan *contract.Plan, pool *usercsv.Pool, groups *usercsv.Groups, sink usercsv.Sink,
) (*usercsv.Preparer, error) {
	preparer, err := usercsv.NewPreparer(pool, p.rules(plan, groups), sink)
	if err == nil {
		preparer.Limits.Rows, preparer.Limits.Bytes = p.Config.PartRows, p.Config.PartBytes
	}
	return preparer, err
}

// examine reads one file of several to its end, counts its rows, and refuses it if it alone would be refused.
func (p *Prepare) examine(
	ctx context.Context, r io.Reader, plan *contract.Plan, pool *usercsv.Pool, groups *usercsv.Groups, asked terms,
) (rows int, err error) {
	settings, engine, err := p.mapped(plan, pool, groups, asked)
	if err != nil {
		return 0, err
	}
	text := &beginning{Reader: r}
	defer func() {
		if refusal, refused := errors.AsType[*usercsv.Refusal](err); refused && engine == nil {
			refusal.Problems, _ = mapping.Hint(refusal.Problems, text.kept)
		}
	}()
	if p.Config.MaxRejectedPercent >= 100 {
		return usercsv.Verify(ctx, text, pool, settings)
	}
	preparer, err := p.preparer(plan, pool, groups, nowhere{})
	if err == nil {
		err = preparer.Use(settings)
	}
	if err != nil {
		return 0, err
	}
	summary, err := preparer.Add(ctx, text)
	if err != nil {
		return 0, err
	}
	if refusal := p.tooManyRejected(summary.Read-summary.Excluded, summary.Rejected); refusal != nil {
		return 0, refusal
	}
	return summary.Read, nil
}

// tooManyRejected refuses a file of which more rows are rejected than the stack allows; nil lets it pass.
func (p *Prepare) tooManyRejected(read, rejected int) *usercsv.Refusal {
	if float64(rejected*100) <= float64(read)*p.Config.MaxRejectedPercent {
		return nil
	}
	return usercsv.Refuse(contract.TooManyRejected, fmt.Sprintf(
		"%d of %d rows are rejected, more than the %g%% that this stack allows, so none is submitted. Put the file under "+
			"check/ to see which, repair them, and drop it again.", rejected, read, p.Config.MaxRejectedPercent))
}

// timeout ends an execution, in seconds.
func (p *Prepare) timeout() int64 { return int64(p.Config.MaxImportDays * (24 * time.Hour).Seconds()) }

// importJob is the input of a part's import-job execution.
func (p *Prepare) importJob(plan *contract.Plan, part usercsv.PartSummary, written *partWriter) contract.ImportJob {
	name := contract.ExecutionName{ImportID: plan.ImportID, Part: part.Number, Rows: part.Rows}
	job := contract.ImportJob{
		PartPlan: contract.PartPlan{
			Schema: contract.Schema, ImportID: plan.ImportID, UserPoolID: plan.UserPoolID, Execution: name.String(),
			TimeoutSeconds: p.timeout(),
			Scheduled:      plan.Manifest != "", Sources: len(plan.Sources), Part: part.Number,
			Algorithm: string(part.Algorithm), PreparedAt: plan.StartedAt, MaxTurns: p.Config.MaxTurns,
			MapsUsers: p.Config.UserMap,
		},
		AttemptState: contract.AttemptState{
			Attempt: 1, Rows: part.Rows,
			Object: contract.Object{
				Bucket: p.Work.Bucket, Key: contract.PartKey(plan.ImportID, part.Number, 1),
				VersionID: written.text.VersionID(), Bytes: part.Bytes,
			},
			Lines: contract.Object{
				Bucket: p.Work.Bucket, Key: contract.LinesKey(plan.ImportID, part.Number, 1),
				VersionID: written.lines.VersionID(),
			},
		},
	}
	if part.SourceIsPart {
		job.Object = plan.Sources[0].Object
	}
	return job
}

// stream opens a source for read, which answers the number of rows. A source that is not there any more is refused,
// and one that is not what its sidecar says.
func (p *Prepare) stream(
	ctx context.Context, source contract.Object, expected *Sidecar, read func(io.Reader) (rows int, err error),
) error {
	body, err := objects.OpenVersion(ctx, p.S3, source)
	if awserror.Name(err) == contract.Gone {
		return usercsv.Refuse(contract.SourceGone, "")
	}
	if err != nil {
		return err
	}
	defer body.Close()
	if expected == nil {
		_, err := read(body)
		return err
	}
	hash := sha256.New()
	rows, err := read(io.TeeReader(body, hash))
	if err != nil {
		return err
	}
	switch {
	case expected.Rows != nil && *expected.Rows != rows:
		return usercsv.Refuse(contract.ManifestMismatch, fmt.Sprintf(
			"The file has %d rows, its manifest says %d. Upload both again, the manifest first.", rows, *expected.Rows))
	case expected.SHA256 != "" && !strings.EqualFold(expected.SHA256, hex.EncodeToString(hash.Sum(nil))):
		return usercsv.Refuse(contract.ManifestMismatch,
			"The file's SHA-256 is not the one in its manifest. Upload both again, the manifest first.")
	}
	return nil
}

// sink writes what the engine makes of a drop into the work bucket; a dry run keeps only what is wrong.
type sink struct {
	work       *objects.Store
	importID   string
	dry        bool
	roster     *roster // of a dry run that looks for users
	parts      map[int]*partWriter
	outcomes   *objects.JSONLines
	exclusions *objects.JSONLines
	wanted     contract.Changes // by accepted rows
	// unchanged are those of them that existing users have already, and kept counts those users' rows by source.
	unchanged contract.Changes
	kept      map[int]int
	timeout   int64                      // of executions, in seconds
	changes   map[int]*objects.JSONLines // what rows want, by part
	accepted  *objects.JSONLines         // nil where the stack does not map users
}

// OpenPart begins a part's objects.
func (s *sink) OpenPart(ctx context.Context, part usercsv.Part) (usercsv.PartWriter, error) {
	switch {
	case s.roster != nil:
		return &dryPart{roster: s.roster}, nil
	case s.dry:
		return nowhere{}, nil
	}
	w := &partWriter{
		text:  s.work.Upload(ctx, contract.PartKey(s.importID, part.Number, 1), "text/csv"),
		lines: s.work.Upload(ctx, contract.LinesKey(s.importID, part.Number, 1), "application/octet-stream"),
	}
	if s.parts == nil {
		s.parts = map[int]*partWriter{}
	}
	s.parts[part.Number] = w
	return w, nil
}

// Reject keeps a row's place, its codes, and what its message is made of; publish-result reads its cells again.
func (s *sink) Reject(ctx context.Context, row *usercsv.Rejected) error {
	outcome := contract.Outcome{Source: row.Source, Line: row.Line, Codes: slices.Collect(row.Codes.All())}
	if row.HasDetails() {
		outcome.Message = row.Message()
	} else {
		outcome.Attributes = row.Attributes()
	}
	return s.outcomes.Encode(ctx, outcome)
}

// Exclude keeps the place of a row that a mapping left out; publish-result reads its cells again.
func (s *sink) Exclude(ctx context.Context, row *usercsv.Excluded) error {
	return s.exclusions.Encode(ctx, contract.Exclusion{
		Source: row.Source, Line: row.Line, ID: row.ID, Because: row.Because, Text: row.Text,
	})
}

func (s *sink) discard() {
	for _, w := range s.parts {
		_ = w.Discard()
	}
	s.outcomes.Discard()
	for _, lines := range s.changes {
		lines.Discard()
	}
	if s.accepted != nil {
		s.accepted.Discard()
	}
	s.exclusions.Discard()
}

// partWriter is a part on its way into the work bucket.
type partWriter struct {
	text, lines *objects.Upload
	closed      bool
}

func (w *partWriter) Write(text []byte) (int, error) { return w.text.Write(text) }

// Lines receives the line map.
func (w *partWriter) Lines() io.Writer { return w.lines }

// Close ends the part; the text of one that equals the source is not kept.
func (w *partWriter) Close(part usercsv.PartSummary) error {
	w.closed = true
	if part.SourceIsPart {
		w.text.Discard()
		return w.lines.Close()
	}
	return errors.Join(w.text.Close(), w.lines.Close())
}

// Discard gives up a part that is not closed. One that is stays until the import is done, without harm: no plan names
// it.
func (w *partWriter) Discard() error {
	if !w.closed {
		w.closed = true
		w.text.Discard()
		w.lines.Discard()
	}
	return nil
}
