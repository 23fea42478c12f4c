package template

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
)

func buildServerlessStateMachine(l *loader, r *Resource) error {
	var p struct {
		Name, Role, Type, DefinitionUri string
		Definition                      json.RawMessage
		DefinitionSubstitutions         map[string]string
		Logging                         logging
		Tracing                         struct{ Enabled bool }
		_                               any `cfn:"Tags PropagateTags"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	m := &StateMachine{RoleARN: p.Role, DefinitionPath: p.DefinitionUri, Tracing: p.Tracing.Enabled}
	p.Logging.apply(m)
	err := l.addStateMachine(r, m, p.Definition, p.DefinitionSubstitutions)
	return errors.Join(err, r.need("Role", p.Role), r.oneOf("Type", p.Type, "STANDARD"))
}

func buildStateMachine(l *loader, r *Resource) error {
	var p struct {
		StateMachineName, RoleArn, StateMachineType string
		DefinitionString                            string
		// DefinitionS3Location is a local path here, as `sam package` takes it.
		DefinitionS3Location    string
		Definition              json.RawMessage
		DefinitionSubstitutions map[string]string
		LoggingConfiguration    logging
		TracingConfiguration    struct{ Enabled bool }
		EncryptionConfiguration struct {
			Type, KmsKeyId string
			_              any `cfn:"KmsDataKeyReusePeriodSeconds"`
		}
		_ any `cfn:"Tags"`
	}
	if err := r.decode(&p); err != nil {
		return err
	}
	m := &StateMachine{
		RoleARN: p.RoleArn, DefinitionPath: p.DefinitionS3Location, Tracing: p.TracingConfiguration.Enabled,
		KMSKey: p.EncryptionConfiguration.KmsKeyId,
	}
	p.LoggingConfiguration.apply(m)
	definition := []byte(p.Definition)
	if p.DefinitionString != "" {
		definition = []byte(p.DefinitionString)
	}
	err := l.addStateMachine(r, m, definition, p.DefinitionSubstitutions)
	return errors.Join(err, r.need("RoleArn", p.RoleArn), r.oneOf("StateMachineType", p.StateMachineType, "STANDARD"))
}

type logging struct {
	Level                string
	IncludeExecutionData bool
	Destinations         []struct {
		CloudWatchLogsLogGroup struct {
			ARN string `cfn:"LogGroupArn"`
		}
	}
}

func (g *logging) apply(m *StateMachine) {
	m.LogLevel, m.IncludeExecutionData = cmp.Or(g.Level, "OFF"), g.IncludeExecutionData
	if len(g.Destinations) > 0 {
		m.LogGroupARN = g.Destinations[0].CloudWatchLogsLogGroup.ARN
	}
}

// addStateMachine reads the definition, puts the substitutions in as text, as AWS does before it parses, and checks
// that the outcome is JSON with nothing left to substitute.
func (l *loader) addStateMachine(r *Resource, m *StateMachine, inline []byte, with map[string]string) error {
	m.LogicalID = r.LogicalID
	m.Name, m.ARN = l.names(r, "Arn")
	l.stack.StateMachines = append(l.stack.StateMachines, m)
	given := m.DefinitionPath != ""
	if given == (len(inline) > 0) {
		return errorAt(r.props, "%s: the definition has to stand in one place, a file or the template", r.LogicalID)
	}
	definition := inline
	if given {
		if l.ReadFile == nil {
			return errorAt(r.props, "%s: no files can be read", r.LogicalID)
		}
		var err error
		if definition, err = l.ReadFile(m.DefinitionPath); err != nil {
			return errorAt(r.props, "%s: %v", r.LogicalID, err)
		}
	}
	var errs []error
	where := cmp.Or(m.DefinitionPath, r.LogicalID)
	m.Definition = variable.ReplaceAllFunc(definition, func(found []byte) []byte {
		value, ok := with[string(found[2:len(found)-1])]
		if !ok {
			errs = append(errs, errorAt(r.props, "%s: nothing is substituted for %s in %s",
				r.LogicalID, found, where))
		}
		return []byte(value)
	})
	var check any
	if err := json.Unmarshal(m.Definition, &check); err != nil && len(errs) == 0 {
		line := ""
		if at, ok := errors.AsType[*json.SyntaxError](err); ok {
			line = fmt.Sprintf(", line %d", 1+bytes.Count(m.Definition[:at.Offset], []byte("\n")))
		}
		errs = append(errs, errorAt(r.props, "%s: %s%s: %v", r.LogicalID, where, line, err))
	}
	return errors.Join(errs...)
}
