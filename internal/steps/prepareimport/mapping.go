package prepareimport

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/contract"
	"userdrop/internal/mapping"
	"userdrop/internal/usercsv"
)

// mappings finds the mapping of each source of a drop.
type mappings struct {
	ofPool *mapping.Mapping // for drops without one of their own, nil if there is none
	looked bool
}

// terms are what applies to one source alone: its mapping, nil if it has none, and the settings of its manifest.
type terms struct {
	mapping  *mapping.Mapping
	settings *SidecarSettings
}

// name is the name of the mapping; "" if there is none.
func (t *terms) name() string {
	if t.mapping == nil {
		return ""
	}
	return t.mapping.Name
}

func (p *Prepare) terms(
	ctx context.Context, plan *contract.Plan, expected *Sidecar, found *mappings,
) (asked terms, err error) {
	if expected != nil {
		asked.settings = expected.Settings
	}
	asked.mapping, err = p.mapping(ctx, plan, expected, found)
	return asked, err
}

// mapping returns the mapping of a source: that of its manifest, of its pool, or of the stack; nil if there is none. A
// *usercsv.Refusal says what is wrong with it.
func (p *Prepare) mapping(
	ctx context.Context, plan *contract.Plan, expected *Sidecar, found *mappings,
) (*mapping.Mapping, error) {
	if expected != nil && expected.Mapping != nil {
		return ParseMapping(expected.Mapping, "The manifest beside the file")
	}
	if !found.looked {
		m, err := p.mappingOfPool(ctx, plan)
		if err != nil {
			return nil, err
		}
		found.ofPool, found.looked = m, true
	}
	return found.ofPool, nil
}

// mappingOfPool returns the mapping of all drops for a pool.
func (p *Prepare) mappingOfPool(ctx context.Context, plan *contract.Plan) (*mapping.Mapping, error) {
	key := contract.MappingKey(plan.UserPoolID)
	bucket := plan.Sources[0].Bucket
	out, err := p.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if awserror.Name(err) == contract.Gone {
		return p.mappingOfStack()
	}
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", bucket, key, err)
	}
	defer out.Body.Close()
	if size := aws.ToInt64(out.ContentLength); size > mapping.MaxSize {
		return nil, badMapping(fmt.Sprintf("%s in the inbox has %d bytes; a mapping has %d at most.", key, size,
			mapping.MaxSize))
	}
	text, err := io.ReadAll(io.LimitReader(out.Body, mapping.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", bucket, key, err)
	}
	return ParseMapping(text, key+" in the inbox")
}

// mappingOfStack returns the built-in mapping that the parameter Mapping names.
func (p *Prepare) mappingOfStack() (*mapping.Mapping, error) {
	if p.Config.Mapping == "" {
		return nil, nil
	}
	m, ok := mapping.Builtin(p.Config.Mapping)
	if !ok {
		return nil, badMapping(fmt.Sprintf("The parameter Mapping names %q, and there is no built-in mapping of that name.",
			p.Config.Mapping))
	}
	return m, nil
}

// ParseMapping reads a mapping, or the name of a built-in one. where says where it was found.
func ParseMapping(text []byte, where string) (*mapping.Mapping, error) {
	var name string
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '"' && json.Unmarshal(trimmed, &name) == nil {
		m, ok := mapping.Builtin(name)
		if !ok {
			return nil, badMapping(fmt.Sprintf("%s names the mapping %.100q, and there is no built-in mapping of that name.",
				where, name))
		}
		return m, nil
	}
	m, err := mapping.Parse(text)
	if err != nil {
		return nil, badMapping(fmt.Sprintf("%s has a mapping with mistakes: %v.", where, err))
	}
	return m, nil
}

// badMapping refuses a drop whose mapping is not usable.
func badMapping(message string) error {
	return usercsv.Refuse(contract.BadMapping, message+" Correct the mapping and drop the file again.")
}

// mapped returns the settings of the CSV rules for a source, and the engine of its mapping, nil if it has none.
func (p *Prepare) mapped(
	plan *contract.Plan, pool *usercsv.Pool, groups *usercsv.Groups, asked terms,
) (usercsv.Settings, *mapping.Engine, error) {
	settings := asked.settings.over(p.rules(plan, groups))
	m := asked.mapping
	if m == nil {
		return settings, nil, nil
	}
	engine, err := mapping.New(m, mapping.TargetOf(pool, settings))
	if err != nil {
		return settings, nil, badMapping(fmt.Sprintf("The mapping %s does not fit the user pool: %v.", m.Name, err))
	}
	settings = m.Rules(settings)
	settings.Mapping = engine
	return settings, engine, nil
}

// beginning keeps the first bytes that are read.
type beginning struct {
	io.Reader
	kept []byte
}

func (b *beginning) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if room := mapping.SuggestFrom - len(b.kept); room > 0 {
		b.kept = append(b.kept, p[:min(n, room)]...)
	}
	return n, err
}
