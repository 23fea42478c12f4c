package contract

import (
	"regexp"
	"strings"
	"time"
)

// Started is the answer of start-import and of the sweeps.
type Started struct {
	Imports []string `json:"imports"` // import ids
	Ignored int      `json:"ignored"` // objects that are no drops
}

// Gathered is a file that waits for others of its pool, so that they share a Cognito job.
type Gathered struct {
	Object
	ArrivedAt time.Time `json:"arrivedAt"`
}

// Schedule is the event of a schedule that takes files together: all under scheduled/, or those that a pool has gathered.
// Its time names the imports, so that an event that comes twice starts the same ones; a run by hand need not have it.
type Schedule struct {
	ScheduledTime time.Time `json:"scheduledTime,omitzero"`
	UserPoolID    string    `json:"userPoolId,omitempty"`
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
