// Package userdrop embeds what is deployed, so that the local double boots from the same text.
package userdrop

import "embed"

// Deployed holds template.yaml and statemachine/*.asl.json.
//
//go:embed template.yaml statemachine/*.asl.json
var Deployed embed.FS

// Examples holds a file of users with good and bad rows, and the pool that it is for.
//
//go:embed examples/users.csv examples/pool.json
var Examples embed.FS
