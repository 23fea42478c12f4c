package prepareimport

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"userdrop/internal/aws/awserror"
	"userdrop/internal/contract"
	"userdrop/internal/mapping"
	"userdrop/internal/usercsv"
)

// Sidecar is what users.csv.manifest.json, put before users.csv, says that the file holds. Either may be left out.
type Sidecar struct {
	Rows   *int   `json:"rows"`   // under the header, with those that are rejected
	SHA256 string `json:"sha256"` // of the file as it is, in hexadecimal digits
	// Mapping is the name of a built-in mapping, or a mapping.
	Mapping json.RawMessage `json:"mapping"`
	// Existing asks for something else than the stack's parameter, where that allows it.
	Existing *Existing `json:"existing"`
	// Settings are settings of the CSV rules for this file.
	Settings *SidecarSettings `json:"settings"`
}

// SidecarSettings are the settings that a manifest may have. They go before those of the stack, and a mapping's before
// both. What counts as verified is the stack's alone.
type SidecarSettings struct {
	DateOrder     usercsv.DateOrder `json:"dateOrder"`
	NullText      []string          `json:"nullText"`
	IgnoreColumns []string          `json:"ignoreColumns"`
	IDColumn      string            `json:"idColumn"`
}

// UnmarshalJSON is as strict as parseSidecar.
func (s *SidecarSettings) UnmarshalJSON(text []byte) error {
	type plain SidecarSettings
	if !exactMembers(text, *s) {
		return errors.New("the settings of a manifest are dateOrder, nullText, ignoreColumns and idColumn")
	}
	if err := json.Unmarshal(text, (*plain)(s)); err != nil {
		return err
	}
	return usercsv.Settings{DateOrder: s.DateOrder}.Validate()
}

// over returns settings with those of the manifest in their place; nil has none.
func (s *SidecarSettings) over(settings usercsv.Settings) usercsv.Settings {
	if s == nil {
		return settings
	}
	settings.DateOrder = cmp.Or(s.DateOrder, settings.DateOrder)
	settings.IDColumn = cmp.Or(s.IDColumn, settings.IDColumn)
	if s.NullText != nil {
		settings.NullText = s.NullText
	}
	if s.IgnoreColumns != nil {
		settings.IgnoreColumns = s.IgnoreColumns
	}
	return settings
}

// maxKey is the longest key of S3, in bytes: no object has a longer one, and asking for it is an error.
const maxKey = 1024

// maxSidecar is more than a manifest that anybody means to be one.
const maxSidecar = mapping.MaxSize + 64<<10

var sha256Text = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// sidecar reads what lies beside a source, if anything does, and notes which version it was.
func (p *Prepare) sidecar(ctx context.Context, source *contract.PlannedSource) (*Sidecar, error) {
	key := source.Key + contract.ManifestSuffix
	if len(key) > maxKey {
		return nil, nil
	}
	out, err := p.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &source.Bucket, Key: &key})
	if awserror.Name(err) == contract.Gone {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", source.Bucket, key, err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(io.LimitReader(out.Body, maxSidecar+1))
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", source.Bucket, key, err)
	}
	source.Sidecar = contract.Object{
		Bucket: source.Bucket, Key: key, VersionID: aws.ToString(out.VersionId), Bytes: aws.ToInt64(out.ContentLength),
	}
	sidecar, ok := parseSidecar(text)
	if !ok {
		return nil, usercsv.Refuse(contract.ManifestMismatch,
			`The manifest beside the file is not {"rows": number, "sha256": "64 hexadecimal digits", "mapping": "name", `+
				`"existing": "skip", "settings": {"dateOrder": "day-first", "nullText": ["…"], "ignoreColumns": ["…"], `+
				`"idColumn": "…"}}. Write it again, or remove it, and drop the file again.`)
	}
	return sidecar, nil
}

// parseSidecar is strict: a guard with a misspelt name would guard nothing.
func parseSidecar(text []byte) (*Sidecar, bool) {
	var s Sidecar
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if len(text) > maxSidecar || !exactMembers(text, s) || decoder.Decode(&s) != nil {
		return nil, false
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, false
	}
	switch {
	case s.Rows == nil && s.SHA256 == "" && s.Mapping == nil && s.Existing == nil && s.Settings == nil,
		s.Rows != nil && *s.Rows < 0,
		s.SHA256 != "" && !sha256Text.MatchString(s.SHA256):
		return nil, false
	}
	return &s, true
}
