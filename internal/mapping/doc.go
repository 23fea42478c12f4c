// Package mapping turns exports of other products into rows for a Cognito user pool.
//
// A [Mapping] is data: a JSON file of the schema userdrop.mapping/v1 that names, for each attribute of the pool, the
// expression of its value, and says which rows and columns are left out. An [Engine] applies one mapping to the records
// of one export, a record at a time. It reaches nothing but the record: expressions have no variables but the record's
// columns, and no functions but those in functions.go and a list of the expression library's own.
//
// The package knows no AWS service. The rules of package usercsv apply to mapped rows as to all others.
package mapping
