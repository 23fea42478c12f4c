package usercsv

// kind is how a column's cells are read.
type kind uint8

const (
	kindText kind = iota
	kindUsername
	kindEmail
	kindPhone
	kindBoolean
	kindBirthdate
	kindUpdatedAt
	kindNumber
	kindDateTime
	kindHash
)

// role is the part that a column plays in rules about several columns.
type role int8

const (
	roleNone role = iota
	roleUsername
	roleEmail
	roleEmailVerified
	rolePhone
	rolePhoneVerified
	roleMFA
	roleHash
	roles
)

// rolesOf are the columns that play a role.
var rolesOf = map[string]role{
	colUsername: roleUsername, colEmail: roleEmail, colEmailVerified: roleEmailVerified, colPhone: rolePhone,
	colPhoneVerified: rolePhoneVerified, colMFA: roleMFA, colHash: roleHash,
}

// column is one of the pool's columns, as the rules need it.
type column struct {
	name     string
	kind     kind
	role     role
	required bool
	follows  bool // it is a text that follows the text of the column before, in the source as in a line
	text     bool // it is the username, or a String attribute
	source   int  // the source's column, -1 if it has none
	commas   int  // how many are before its value in a line, behind the value of the column before that may have one
	minimum  int  // characters
	maximum  int
	least    int64 // of numbers
	most     int64
}

func newColumn(a Attribute) column {
	col := column{
		name: a.Name, role: rolesOf[a.Name], maximum: maxValue, required: a.Required,
	}
	col.least, col.most = numberBounds(a.Min, a.Max)
	switch a.Type {
	case Number:
		col.kind = kindNumber
	case Boolean:
		col.kind = kindBoolean
	case DateTime:
		col.kind = kindDateTime
	default:
		if a.MinLength != nil {
			col.minimum = *a.MinLength
		}
		if a.MaxLength != nil {
			col.maximum = min(*a.MaxLength, maxValue)
		}
	}
	switch a.Name {
	case colUsername:
		col.kind = kindUsername
	case colEmail:
		col.kind = kindEmail
	case colPhone:
		col.kind = kindPhone
	case colEmailVerified, colPhoneVerified:
		col.kind = kindBoolean
	case colMFA:
		col.kind = kindBoolean
	case colBirthdate:
		col.kind = kindBirthdate
	case colUpdatedAt:
		col.kind = kindUpdatedAt
	case colHash:
		col.kind = kindHash
	}
	switch col.kind {
	case kindText, kindUsername, kindEmail, kindPhone, kindBirthdate:
		col.text = true
	}
	return col
}
