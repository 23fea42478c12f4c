// Package local boots the double of AWS with userdrop's stack deployed, for the command line and for tests.
package local

import (
	"cmp"
	"maps"
	"path"
	"strings"
	"sync"

	"userdrop"
	"userdrop/localaws"
	"userdrop/localaws/template"
)

// StackName is the name of the stack on the double. Its buckets are userdrop-inbox, userdrop-work and userdrop-results.
const StackName = "userdrop"

// Boot boots a double with userdrop's template, unless o names another. UserPoolArns defaults to all of o.Pools,
// DefaultUserPoolId to the first.
func Boot(o localaws.Options) (*localaws.Double, error) {
	parameters, err := poolParameters(o.Pools)
	if err != nil {
		return nil, err
	}
	maps.Copy(parameters, o.Parameters)
	o.Parameters = parameters
	if o.Deployed == nil {
		o.Deployed = userdrop.Deployed
		if o.Template, err = parsed(); err != nil {
			return nil, err
		}
	}
	o.StackName = cmp.Or(o.StackName, StackName)
	o.BucketName = func(logicalID string) string {
		return o.StackName + "-" + strings.ToLower(strings.TrimSuffix(logicalID, "Bucket"))
	}
	return localaws.Boot(o)
}

// Folder returns the name of a function's folder in functions/.
func Folder(f *template.Function) string { return path.Base(f.CodeURI) }

func poolParameters(pools []localaws.Pool) (map[string]string, error) {
	parameters := map[string]string{"UserPoolArns": ""}
	var arns []string
	for _, pool := range pools {
		arn, err := pool.ARN()
		if err != nil {
			return nil, err
		}
		arns = append(arns, arn)
	}
	if len(arns) > 0 {
		parameters["DefaultUserPoolId"] = path.Base(arns[0])
	}
	parameters["UserPoolArns"] = strings.Join(arns, ",")
	return parameters, nil
}

// parsed is userdrop's template, parsed once for all doubles of a process.
var parsed = sync.OnceValues(func() (*template.Template, error) {
	text, err := userdrop.Deployed.ReadFile("template.yaml")
	if err != nil {
		return nil, err
	}
	return template.Parse(text)
})
