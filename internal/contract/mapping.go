package contract

// Mapping says in result.json which mapping was applied, and what it made of every column of the source.
type Mapping struct {
	Name    string         `json:"name"`
	SHA256  string         `json:"sha256"` // of the mapping's text
	Columns []MappedColumn `json:"columns"`
	// Missing are columns that the mapping reads and the source does not have.
	Missing []AbsentColumn `json:"missing,omitempty"`
	Hashes  HashCounts     `json:"hashes"`
	// UsernamesLeftOut counts usernames that were left out, since the pool's are addresses or numbers.
	UsernamesLeftOut int `json:"usernamesLeftOut,omitzero"`
}

// MappedColumn says what became of a column of the source.
type MappedColumn struct {
	Column string `json:"column"`
	// As are the attributes that it was taken as, or that were computed from it; userdrop:id is the stable id.
	As []string `json:"as,omitempty"`
	// Decides says that it decides which rows are left out, or joins a second file.
	Decides bool   `json:"decides,omitempty"`
	LeftOut string `json:"leftOut,omitempty"` // why it was not taken
	Values  int    `json:"values"`            // rows that have a value
}

// AbsentColumn is a column that a mapping reads and the source does not have.
type AbsentColumn struct {
	Column  string   `json:"column"`
	Without []string `json:"without"` // the attributes and exclusions that it would have decided
}

// HashCounts counts what became of password hashes.
type HashCounts struct {
	Kept      int `json:"kept"`
	Rewritten int `json:"rewritten"`
	Dropped   int `json:"dropped"`
}

// Exclusion is one row that a mapping left out, in the work bucket.
type Exclusion struct {
	Source  int    `json:"s"`
	Line    int    `json:"l"`
	ID      string `json:"i,omitempty"`
	Because string `json:"b"`
	Text    string `json:"t,omitempty"`
}
