package security_test

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"userdrop/localaws/iam"
)

// documentedPatterns are resources that AWS's documentation asks for as they are, although runs use less of them.
var documentedPatterns = map[string]string{
	"arn:aws:logs:us-east-1:" + account + ":log-group:/aws/cognito/*": "https://docs.aws.amazon.com/cognito/latest/" +
		"developerguide/cognito-user-pools-using-import-tool.html",
}

// grant is one resource of a statement.
type grant struct {
	where string // policy and statement
	iam.Statement
	role *iam.Role // with this grant alone
	used []iam.Ask // what the grant was used for, if no narrower grant of the role allows it
}

// widerThanUsed returns the resources of a role's statements that match more than the resources they were used for: a
// wildcard alone, or a neighbour of a used resource.
func widerThanUsed(asked []iam.Ask, policies []iam.Policy) (found []string) {
	for _, g := range grants(asked, policies) {
		if resource := g.Resources[0]; !strings.Contains(resource, ":") {
			found = append(found, fmt.Sprintf("%s allows %s on %s", g.where, g.Actions, resource))
		} else if n := g.neighbour(); n != "" {
			found = append(found, fmt.Sprintf("%s: %s also allows %s", g.where, resource, n))
		}
	}
	return found
}

func grants(asked []iam.Ask, policies []iam.Policy) (all []*grant) {
	for _, p := range policies {
		for i, s := range p.Document.Statements {
			for _, resource := range s.Resources {
				if s.Effect == iam.Allow {
					g := &grant{where: fmt.Sprintf("%s/%d", p.Name, i), Statement: s}
					g.Resources = []string{resource}
					g.role = iam.NewRole("arn:aws:iam::"+account+":role/probe",
						iam.Policy{Document: &iam.Document{Statements: []iam.Statement{g.Statement}}})
					all = append(all, g)
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *grant) int { return length(b.Resources[0]) - length(a.Resources[0]) })
	for _, a := range asked {
		narrowest := slices.IndexFunc(all, func(g *grant) bool { return g.role.Allows(a.Action, a.Resource, a.Conditions) })
		if narrowest >= 0 && a.Allowed > 0 {
			all[narrowest].used = append(all[narrowest].used, a)
		}
	}
	return all
}

// length returns the length of a pattern. The longest of the patterns that match a resource is the narrowest; one without
// a wildcard is narrower than all others.
func length(pattern string) int {
	if strings.Contains(pattern, "*") {
		return len(pattern)
	}
	return 10_000 + len(pattern)
}

// neighbour returns a request that the grant allows, and that differs from each request it was used for in a part that
// is fixed: the account, the name of a bucket, machine, key or pool, the prefix of an object's key.
func (g *grant) neighbour() string {
	names := map[string]bool{} // of objects in the folders of imports
	for _, a := range g.used {
		if _, folder, name := object(a.Resource); importID.MatchString(folder) {
			names[name] = true
		}
	}
	documented := documentedPatterns[g.Resources[0]] != "" && slices.Contains(g.Actions, "logs:PutLogEvents")
	for _, a := range g.used {
		candidates := otherNames(a.Resource)
		if !documented {
			candidates = append(candidates, otherFolders(a.Resource, len(names))...)
			candidates = append(candidates, otherSubfolder(a.Resource, names)...)
		}
		for _, n := range candidates {
			if g.role.Allows(a.Action, n, a.Conditions) {
				return a.Action + " on " + n
			}
		}
		for key := range a.Conditions { // such as iam:PassedToService
			other := maps.Clone(a.Conditions)
			other[key] = "other.example.com"
			if a.Action == "iam:PassRole" && g.role.Allows(a.Action, a.Resource, other) {
				return a.Action + " for another " + key
			}
		}
	}
	return ""
}

// otherSubfolder returns the ARN of an object in another subfolder of an import's folder, where all objects that the
// pattern was used for are in one, other than that of a part: parts are numbered, so that a pattern cannot name them.
func otherSubfolder(arn string, names map[string]bool) []string {
	bucket, folder, rest := object(arn)
	subfolder, name, _ := strings.Cut(rest, "/")
	if !importID.MatchString(folder) || name == "" || strings.HasPrefix(subfolder, "part-") {
		return nil
	}
	for n := range names {
		if !strings.HasPrefix(n, subfolder+"/") {
			return nil
		}
	}
	return []string{"arn:aws:s3:::" + path.Join(bucket, folder, "other", name)}
}

// importID matches the folder of an import and other names that end in a hash; they differ from run to run.
var importID = regexp.MustCompile(`^(.*-)?[0-9a-f]{16,}(\.\w+)?$`)

// object splits the ARN of an object. All parts are empty for other resources.
func object(arn string) (bucket, folder, rest string) {
	name, ok := strings.CutPrefix(arn, "arn:aws:s3:::")
	bucket, key, isObject := strings.Cut(name, "/")
	if !ok || !isObject {
		return "", "", ""
	}
	folder, rest, _ = strings.Cut(key, "/")
	return bucket, folder, rest
}

func varied(name string) []string { return []string{name + "-other", "other-" + name, "other"} }

// otherNames returns ARNs with another partition, service, Region, account or name.
func otherNames(arn string) (all []string) {
	parts := strings.SplitN(arn, ":", 6)
	with := func(i int, value string) {
		other := slices.Clone(parts)
		other[i] = value
		all = append(all, strings.Join(other, ":"))
	}
	with(1, "aws-cn")
	with(2, "other")
	if parts[3] != "" {
		with(3, "eu-central-1")
	}
	if parts[4] != "" {
		with(4, "210987654321")
	}
	var kind, name, tail string
	switch parts[2] {
	case "s3":
		name, tail, _ = strings.Cut(parts[5], "/")
		tail = strings.TrimSuffix("/"+tail, "/")
	case "logs":
		with(5, "destination:other")
		return all // see otherFolders
	default:
		i := strings.IndexAny(parts[5], ":/")
		kind, name = parts[5][:i+1], parts[5][i+1:]
		if j := strings.IndexAny(name, ":/"); j >= 0 { // an execution of a machine, a schedule of a group
			name, tail = name[:j], name[j:]
		}
	}
	for _, other := range varied(name) {
		with(5, kind+other+tail)
	}
	return all
}

// otherFolders returns ARNs of objects under another prefix and of log groups of other services. names is how many
// names of objects the pattern was used for in the folders of imports. A pattern cannot distinguish an import's id from
// another prefix, so there is no other prefix if names is above 0; if it is 1, there is another name.
func otherFolders(arn string, names int) (all []string) {
	if bucket, folder, rest := object(arn); folder != "" {
		switch {
		case names == 0:
			for _, other := range varied(folder) {
				all = append(all, "arn:aws:s3:::"+path.Join(bucket, other, rest))
			}
		case names == 1 && importID.MatchString(folder):
			all = append(all, "arn:aws:s3:::"+path.Join(bucket, folder, "other"), arn+"-other")
		}
		return all
	}
	before, group, ok := strings.Cut(arn, ":log-group:/")
	if !ok {
		return nil
	}
	parts := strings.Split(group, "/") // aws/cognito/userpools/<pool>/<name>
	for i := 1; i < min(3, len(parts)); i++ {
		for _, other := range varied(parts[i]) {
			all = append(all, before+":log-group:/"+strings.Join(slices.Replace(slices.Clone(parts), i, i+1, other), "/"))
		}
	}
	return all
}
