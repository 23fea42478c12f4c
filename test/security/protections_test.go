package security_test

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"userdrop"
)

// protections are the properties that protect data, by the type or the name of the resources that must have them. A
// resource's name comes before its type.
const protections = `
AWS::S3::Bucket:
  DeletionPolicy: RetainExceptOnCreate
  UpdateReplacePolicy: Retain
  Properties:
    BucketEncryption:
      ServerSideEncryptionConfiguration:
        - BucketKeyEnabled: true
          ServerSideEncryptionByDefault:
            SSEAlgorithm: aws:kms
            KMSMasterKeyID: !If [HasKey, !Ref KmsKeyArn, !Ref AWS::NoValue]
    OwnershipControls: { Rules: [{ ObjectOwnership: BucketOwnerEnforced }] }
    PublicAccessBlockConfiguration:
      { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true }
    VersioningConfiguration: { Status: Enabled }
AWS::SNS::Topic:
  Properties: { KmsMasterKeyId: !If [HasKey, !Ref KmsKeyArn, alias/aws/sns] }
# CloudWatch cannot use the key that AWS manages for SNS: https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns
AlarmTopic:
  Properties: { KmsMasterKeyId: !If [HasKey, !Ref KmsKeyArn, !Ref AWS::NoValue] }
AWS::SQS::Queue:
  Properties:
    SqsManagedSseEnabled: !If [HasKey, !Ref AWS::NoValue, true]
    KmsMasterKeyId: !If [HasKey, !Ref KmsKeyArn, !Ref AWS::NoValue]
AWS::StepFunctions::StateMachine:
  Properties:
    TracingConfiguration: { Enabled: true }
    LoggingConfiguration: { Level: ERROR, IncludeExecutionData: false }
    EncryptionConfiguration: !If
      - HasKey
      - { Type: CUSTOMER_MANAGED_KMS_KEY, KmsKeyId: !Ref KmsKeyArn }
      - !Ref AWS::NoValue
AWS::Logs::LogGroup:
  Properties: { RetentionInDays: !Ref LogRetentionDays, KmsKeyId: !If [HasKey, !Ref KmsKeyArn, !Ref AWS::NoValue] }
Globals: # of all functions, which may not say otherwise: see unprotected
  Function: { Tracing: Active, LoggingConfig: { LogFormat: JSON } }
AWS::Serverless::Function: {}
`

// unprotected are the properties of these resources that protect nothing, or that another test compares.
var unprotected = map[string]*regexp.Regexp{
	"AWS::S3::Bucket": regexp.MustCompile(`^Properties\.(NotificationConfiguration|LifecycleConfiguration)\.`),
	"AWS::SQS::Queue": regexp.MustCompile(`^Properties\.(MessageRetentionPeriod|VisibilityTimeout)$`),
	"AWS::StepFunctions::StateMachine": regexp.MustCompile(
		`^Properties\.(StateMachineName|Definition\w+|RoleArn|LoggingConfiguration\.Destinations)\b`),
	"AWS::Logs::LogGroup": regexp.MustCompile(`^Properties\.LogGroupName$`),
	"Globals":             regexp.MustCompile(`^Function\.(Runtime|Architectures|Handler|MemorySize|Timeout|Environment)\b`),
	"AWS::Serverless::Function": regexp.MustCompile(`^Properties\.(FunctionName|CodeUri|Role|LoggingConfig\.LogGroup|` +
		`MemorySize|Timeout|EphemeralStorage|ReservedConcurrentExecutions|EventInvokeConfig|Environment\.Variables)\b`),
}

// resource is a resource of the template: the values of its properties by their paths.
type resource struct {
	kind   string
	values map[string]string
}

// TestProtections compares the template with the list. Then it removes or changes each property that is not listed as
// unprotected, and each must be noticed; -v lists what noticed it.
func TestProtections(t *testing.T) {
	resources := readTemplate(t)
	required := readProtections(t)
	for _, fault := range unprotectedIn(resources, required) {
		t.Error(fault)
	}
	changes := 0
	for _, name := range slices.Sorted(maps.Keys(resources)) {
		r := resources[name]
		try := func(what string, values map[string]string) {
			changes++
			changed := maps.Clone(resources)
			changed[name] = resource{r.kind, values}
			if found := unprotectedIn(changed, required); len(found) == 0 {
				t.Errorf("%s: nothing notices: %s", name, what)
			} else {
				t.Logf("%s: %s: noticed: %s", name, what, found[0])
			}
		}
		for _, path := range slices.Sorted(maps.Keys(r.values)) {
			if free := unprotected[r.kind]; free != nil && free.MatchString(path) {
				continue
			}
			removed, changed := maps.Clone(r.values), maps.Clone(r.values)
			delete(removed, path)
			changed[path] = map[string]string{"true": "false", "false": "true"}[changed[path]] + "changed"
			try(path+" is removed", removed)
			try(path+" is changed", changed)
		}
		if r.kind == "AWS::Serverless::Function" {
			untraced := maps.Clone(r.values)
			untraced["Properties.Tracing"] = "PassThrough"
			try("its tracing is off", untraced)
		}
	}
	if changes < 200 {
		t.Errorf("only %d changes were tried", changes)
	}
}

// unprotectedIn returns the protections that resources lack, and properties that neither list knows.
func unprotectedIn(resources map[string]resource, required map[string]map[string]string) (found []string) {
	for _, name := range slices.Sorted(maps.Keys(resources)) {
		r := resources[name]
		want := required[name]
		if want == nil {
			want = required[r.kind]
		}
		for _, path := range slices.Sorted(maps.Keys(want)) {
			if got, ok := r.values[path]; got != want[path] {
				found = append(found, fmt.Sprintf("%s: %s is %q (set: %t), want %q", name, path, got, ok, want[path]))
			}
		}
		for _, path := range slices.Sorted(maps.Keys(r.values)) {
			free := unprotected[r.kind]
			if _, ok := want[path]; !ok && (free == nil || !free.MatchString(path)) {
				found = append(found, fmt.Sprintf("%s: does %s protect anything?", name, path))
			}
		}
	}
	return found
}

func readProtections(t *testing.T) map[string]map[string]string {
	t.Helper()
	var list map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(protections), &list); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	for name, node := range list {
		all[name] = map[string]string{}
		flatten(&node, "", all[name])
	}
	return all
}

// readTemplate returns the resources of the types that the list names, and Globals.
func readTemplate(t *testing.T) map[string]resource {
	t.Helper()
	text, err := fs.ReadFile(userdrop.Deployed, "template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Globals   yaml.Node            `yaml:"Globals"`
		Resources map[string]yaml.Node `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	required := readProtections(t)
	all := map[string]resource{"Globals": {"Globals", map[string]string{}}}
	flatten(&file.Globals, "", all["Globals"].values)
	for name, node := range file.Resources {
		values := map[string]string{}
		flatten(&node, "", values)
		kind := values["Type"]
		if required[kind] == nil {
			continue
		}
		maps.DeleteFunc(values, func(path, _ string) bool { return path == "Type" || strings.HasPrefix(path, "Metadata.") })
		all[name] = resource{kind, values}
	}
	return all
}

// flatten writes each scalar of a node under its path. An intrinsic function is part of the value or the path.
func flatten(node *yaml.Node, path string, values map[string]string) {
	tag := ""
	if !strings.HasPrefix(node.Tag, "!!") {
		tag = node.Tag
	}
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i < len(node.Content); i += 2 {
			flatten(node.Content[i+1], strings.TrimPrefix(path+tag+"."+node.Content[i].Value, "."), values)
		}
	case yaml.SequenceNode:
		for i, child := range node.Content {
			flatten(child, fmt.Sprintf("%s%s.%d", path, tag, i), values)
		}
	default:
		values[path] = strings.TrimPrefix(tag+" "+node.Value, " ")
	}
}

// TestLogGroups requires that each function logs into a group of the template, which has a key and an end.
func TestLogGroups(t *testing.T) {
	s := load(t)
	groups := map[string]bool{}
	for _, g := range s.LogGroups {
		groups[g.Name] = true
	}
	for _, f := range s.Functions {
		if !groups[f.LogGroup] {
			t.Errorf("%s logs into %q, which the template does not have", f.LogicalID, f.LogGroup)
		}
	}
	for _, m := range s.StateMachines {
		_, group, _ := strings.Cut(m.LogGroupARN, ":log-group:")
		if !groups[strings.TrimSuffix(group, ":*")] {
			t.Errorf("%s logs into %q, which the template does not have", m.LogicalID, group)
		}
	}
}
