package contract

import (
	"regexp"
	"strings"
)

// Started is the answer of start-import and of the sweeps.
type Started struct {
	Imports []string `json:"imports"` // import ids
	Ignored int      `json:"ignored"` // objects that are no drops
}

// userPoolID is Cognito's pattern, UserPoolIdType in its API model.
var userPoolID = regexp.MustCompile(`^[\w-]+_[0-9a-zA-Z]+$`)

// DropOf reads the key of an object in the inbox: incoming/<pool>/…, incoming/<file> for the default pool, and check/…
// for a dry run. ok is false for an object that is no drop. The pool id is empty where the key names none that could be
// one, and for a file in the bucket's root; prepare-import refuses such a drop, and says so.
func DropOf(object Object, defaultUserPoolID string) (drop Drop, ok bool) {
	prefix, rest, _ := strings.Cut(object.Key, "/")
	if InRoot(object.Key) && !strings.HasSuffix(object.Key, ManifestSuffix) {
		return Drop{Schema: Schema, ImportID: ImportID(object), Mode: ModeImport, Source: object}, true
	}
	mode, ok := map[string]Mode{"incoming": ModeImport, "check": ModeCheck}[prefix]
	if !ok || rest == "" || strings.HasSuffix(rest, "/") || strings.HasSuffix(rest, ManifestSuffix) {
		return Drop{}, false
	}
	pool, _, inFolder := strings.Cut(rest, "/")
	if !inFolder {
		pool = defaultUserPoolID
	}
	return Drop{
		Schema: Schema, ImportID: ImportID(object), UserPoolID: PoolOfFolder(pool), Mode: mode, Source: object,
	}, true
}

// InRoot reports whether a key has no folder.
func InRoot(key string) bool { return key != "" && !strings.Contains(key, "/") }

// PoolOfFolder returns the name of a folder if it could be a pool's id, otherwise nothing: a state's payload holds no
// text that somebody typed.
func PoolOfFolder(folder string) string {
	if len(folder) > 55 || !userPoolID.MatchString(folder) {
		return ""
	}
	return folder
}
