// Package statemachine embeds the definitions of the workflows, for the tests and the documents that are made of them.
package statemachine

import "embed"

// Definitions holds import-users.asl.json, import-job.asl.json and abort-import.asl.json, before substitution.
//
//go:embed *.asl.json
var Definitions embed.FS
