package template

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// kind is what the double knows of a resource type: what its references yield, as the "Return values" of its page in
// the CloudFormation template reference say, and how it becomes a view.
type kind struct {
	nameProperty string // the property that names the resource, if there is one
	longest      int    // of a name that AWS makes
	ref          func(*loader, *Resource) (string, error)
	attributes   map[string]func(*loader, *Resource) (string, error)
	build        func(*loader, *Resource) error
}

type yields = map[string]func(*loader, *Resource) (string, error)

// kinds are the resource types that the double knows.
var kinds = map[string]*kind{
	"AWS::Serverless::Function": {
		nameProperty: "FunctionName", longest: 64, ref: name, build: buildFunction,
		attributes: yields{"Arn": arn("lambda", "function:")},
	},
	"AWS::Lambda::EventInvokeConfig": {build: buildEventInvokeConfig},
	"AWS::Lambda::Permission":        {build: buildPermission},
	"AWS::Serverless::StateMachine": {
		nameProperty: "Name", longest: 80, ref: arn("states", "stateMachine:"), build: buildServerlessStateMachine,
		attributes: yields{"Arn": arn("states", "stateMachine:"), "Name": name},
	},
	"AWS::StepFunctions::StateMachine": {
		nameProperty: "StateMachineName", longest: 80, ref: arn("states", "stateMachine:"), build: buildStateMachine,
		attributes: yields{"Arn": arn("states", "stateMachine:"), "Name": name},
	},
	"AWS::S3::Bucket": {
		nameProperty: "BucketName", longest: 63, ref: name, build: buildBucket,
		attributes: yields{
			"Arn":                format("arn:aws:s3:::{name}"),
			"DomainName":         format("{name}.s3.amazonaws.com"),
			"RegionalDomainName": format("{name}.s3.{region}.amazonaws.com"),
		},
	},
	"AWS::S3::BucketPolicy": {ref: property("Bucket"), build: buildBucketPolicy},
	"AWS::SQS::Queue": {
		nameProperty: "QueueName", longest: 80, ref: format(queueURL), build: buildQueue,
		attributes: yields{"Arn": arn("sqs", ""), "QueueName": name, "QueueUrl": format(queueURL)},
	},
	"AWS::SQS::QueuePolicy": {build: buildQueuePolicy},
	"AWS::SNS::Topic": {
		nameProperty: "TopicName", longest: 256, ref: arn("sns", ""), build: buildTopic,
		attributes: yields{"TopicArn": arn("sns", ""), "TopicName": name},
	},
	"AWS::SNS::TopicPolicy":  {build: buildTopicPolicy},
	"AWS::SNS::Subscription": {build: buildSubscription},
	"AWS::IAM::Role": {
		nameProperty: "RoleName", longest: 64, ref: name, build: buildRole,
		attributes: yields{"Arn": roleARN, "RoleId": roleID},
	},
	"AWS::IAM::RolePolicy": {nameProperty: "PolicyName", build: buildRolePolicy},
	"AWS::IAM::Policy":     {nameProperty: "PolicyName", build: buildPolicy},
	"AWS::IAM::ManagedPolicy": {
		nameProperty: "ManagedPolicyName", longest: 128, ref: arnOfPolicy, build: buildManagedPolicy,
		attributes: yields{"PolicyArn": arnOfPolicy},
	},
	"AWS::Events::Rule": {
		nameProperty: "Name", longest: 64, ref: ruleRef, build: buildRule,
		attributes: yields{"Arn": ruleARN},
	},
	"AWS::Events::EventBus": {
		nameProperty: "Name", longest: 256, ref: name, build: raw("Name Description Tags"),
		attributes: yields{"Arn": arn("events", "event-bus/"), "Name": name},
	},
	"AWS::Scheduler::Schedule": {
		nameProperty: "Name", longest: 64, ref: name, build: buildSchedule,
		attributes: yields{"Arn": scheduleARN},
	},
	"AWS::Scheduler::ScheduleGroup": {
		nameProperty: "Name", longest: 64, ref: name, build: raw("Name Tags"),
		attributes: yields{"Arn": arn("scheduler", "schedule-group/")},
	},
	"AWS::Logs::LogGroup": {
		nameProperty: "LogGroupName", longest: 512, ref: name, build: buildLogGroup,
		attributes: yields{"Arn": format("arn:aws:logs:{region}:{account}:log-group:{name}:*")},
	},
	"AWS::Logs::MetricFilter": {
		nameProperty: "FilterName", longest: 512, ref: name,
		build: raw("FilterName FilterPattern LogGroupName MetricTransformations"),
	},
	"AWS::Logs::ResourcePolicy": {nameProperty: "PolicyName", ref: name, build: raw("PolicyName PolicyDocument")},
	"AWS::KMS::Key": {
		ref: keyID, attributes: yields{"Arn": keyARN, "KeyId": keyID}, build: buildKey,
	},
	"AWS::KMS::Alias": {nameProperty: "AliasName", ref: name, build: raw("AliasName TargetKeyId")},
	"AWS::CloudWatch::Alarm": {
		nameProperty: "AlarmName", longest: 255, ref: name, attributes: yields{"Arn": arn("cloudwatch", "alarm:")},
		build: raw(`AlarmName AlarmDescription ActionsEnabled AlarmActions OKActions InsufficientDataActions
			ComparisonOperator DatapointsToAlarm Dimensions EvaluateLowSampleCountPercentile EvaluationPeriods
			ExtendedStatistic MetricName Metrics Namespace Period Statistic Threshold ThresholdMetricId
			TreatMissingData Unit Tags`),
	},
	"AWS::CloudWatch::CompositeAlarm": {
		nameProperty: "AlarmName", longest: 255, ref: name, attributes: yields{"Arn": arn("cloudwatch", "alarm:")},
		build: raw(`AlarmName AlarmDescription ActionsEnabled AlarmActions OKActions InsufficientDataActions
			AlarmRule ActionsSuppressor ActionsSuppressorExtensionPeriod ActionsSuppressorWaitPeriod Tags`),
	},
	"AWS::CloudWatch::Dashboard": {
		nameProperty: "DashboardName", longest: 255, ref: name, build: raw("DashboardName DashboardBody"),
	},
	"AWS::SSM::Parameter": {
		nameProperty: "Name", longest: 1011, ref: name,
		attributes: yields{"Type": property("Type"), "Value": property("Value")},
		build:      raw("Name Type Value Description AllowedPattern DataType Policies Tags Tier"),
	},
}

const queueURL = "https://sqs.{region}.amazonaws.com/{account}/{name}"

// name is the physical name: the one that the template gives, else the one that the double makes.
func name(l *loader, r *Resource) (string, error) {
	if r.nameDone {
		return r.name, r.nameErr
	}
	if i := slices.Index(l.naming, r.LogicalID); i >= 0 {
		return "", circle(r, append(l.naming[i:], r.LogicalID))
	}
	l.naming = append(l.naming, r.LogicalID)
	r.name, r.nameErr = property(r.kind.nameProperty)(l, r)
	if r.name == "" && r.nameErr == nil {
		r.name = l.madeName(r)
	}
	l.naming, r.nameDone = l.naming[:len(l.naming)-1], true
	return r.name, r.nameErr
}

func (l *loader) madeName(r *Resource) string {
	if l.PhysicalName != nil {
		if name := l.PhysicalName(r.LogicalID, r.Type); name != "" {
			return name
		}
	}
	name := l.StackName + "-" + r.LogicalID
	if r.Type == "AWS::S3::Bucket" {
		name = strings.ToLower(name)
	}
	if longest := r.kind.longest; longest > 0 && len(name) > longest {
		h := fnv.New32a()
		h.Write([]byte(name))
		name = fmt.Sprintf("%s-%08x", name[:longest-9], h.Sum32())
	}
	return name
}

// property yields a property that has to be a string; "" where the template has none. It may be asked for before or
// after the resource's properties have been resolved: resolving what is resolved changes nothing.
func property(key string) func(*loader, *Resource) (string, error) {
	return func(l *loader, r *Resource) (string, error) {
		n := get(r.props, key)
		if n == nil {
			return "", nil
		}
		v, err := l.resolve(n, scope{owner: r, dead: r.absent})
		if err != nil || v == nil {
			return "", err
		}
		if v.Kind != yaml.ScalarNode {
			return "", errorAt(n, "%s has to be a string", key)
		}
		return v.Value, nil
	}
}

// format yields a text made of the account id, the Region and the physical name.
func format(layout string) func(*loader, *Resource) (string, error) {
	return func(l *loader, r *Resource) (string, error) {
		n, err := name(l, r)
		fill := strings.NewReplacer("{account}", l.Account.ID, "{region}", l.Account.Region, "{name}", n)
		return fill.Replace(layout), err
	}
}

func arn(service, prefix string) func(*loader, *Resource) (string, error) {
	return func(l *loader, r *Resource) (string, error) {
		n, err := name(l, r)
		return l.Account.ARN(service, prefix+n), err
	}
}

func (l *loader) iamARN(r *Resource, what string) (string, error) {
	n, err := name(l, r)
	if err != nil {
		return "", err
	}
	path, err := property("Path")(l, r)
	if err != nil {
		return "", err
	}
	if path == "" {
		path = "/"
	}
	return fmt.Sprintf("arn:aws:iam::%s:%s%s%s", l.Account.ID, what, path, n), nil
}

func roleARN(l *loader, r *Resource) (string, error)     { return l.iamARN(r, "role") }
func arnOfPolicy(l *loader, r *Resource) (string, error) { return l.iamARN(r, "policy") }

func roleID(l *loader, r *Resource) (string, error) {
	id := stableUUID(l.stack.ID, r.LogicalID)
	return "AROA" + strings.ToUpper(strings.ReplaceAll(id, "-", ""))[:17], nil
}

func keyID(l *loader, r *Resource) (string, error) { return stableUUID(l.stack.ID, r.LogicalID), nil }

func keyARN(l *loader, r *Resource) (string, error) {
	return l.Account.ARN("kms", "key/"+stableUUID(l.stack.ID, r.LogicalID)), nil
}

// ruleRef is the rule's name; on a bus other than the default one it begins with the bus.
func ruleRef(l *loader, r *Resource) (string, error) {
	bus, err := busOf(l, r)
	if err != nil {
		return "", err
	}
	n, err := name(l, r)
	if bus != defaultBus {
		n = bus + "|" + n
	}
	return n, err
}

func ruleARN(l *loader, r *Resource) (string, error) {
	ref, err := ruleRef(l, r)
	return l.Account.ARN("events", "rule/"+strings.Replace(ref, "|", "/", 1)), err
}

const defaultBus = "default"

// busOf is the name of the rule's event bus, which the template may give by its ARN.
func busOf(l *loader, r *Resource) (string, error) {
	bus, err := property("EventBusName")(l, r)
	if i := strings.LastIndex(bus, "event-bus/"); i >= 0 {
		bus = bus[i+len("event-bus/"):]
	}
	if bus == "" {
		bus = defaultBus
	}
	return bus, err
}

func scheduleARN(l *loader, r *Resource) (string, error) {
	group, err := property("GroupName")(l, r)
	if err != nil {
		return "", err
	}
	if group == "" {
		group = "default"
	}
	n, err := name(l, r)
	return l.Account.ARN("scheduler", "schedule/"+group+"/"+n), err
}

// physicalID is what DescribeStackResources shows: what Ref yields, where Ref yields something.
func (l *loader) physicalID(r *Resource) (string, error) {
	if r.kind.ref != nil {
		return r.kind.ref(l, r)
	}
	return l.madeName(r), nil
}

// raw accepts the listed properties of a resource that has no view of its own.
func raw(properties string) func(*loader, *Resource) error {
	known := map[string]bool{}
	for name := range strings.FieldsSeq(properties) {
		known[name] = true
	}
	return func(l *loader, r *Resource) error {
		for key := range entries(r.props) {
			if !known[key.Value] {
				l.fail(errorAt(key, "%s: %s has no property %s that the local double knows",
					r.LogicalID, r.Type, key.Value))
			}
		}
		return nil
	}
}
