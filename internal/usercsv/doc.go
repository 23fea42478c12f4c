// Package usercsv reads the CSV files of users that people have, and writes the one that Amazon Cognito takes.
//
// Two dialects meet here and are never confused. The source dialect is forgiving: RFC 4180 as spreadsheets, databases
// and identity products export it, and Cognito's own. Cognito's dialect is strict: UTF-8 without a byte order mark, LF
// line ends, no quotation marks, a comma inside a value written \, and every column of GetCSVHeader in its order.
//
// A [Preparer] takes the sources of one drop, checks and normalises every row, and hands a [Sink] the parts for
// Cognito's import jobs and the rows that were rejected. [Rows] reads a source again, and a [FailedWriter] writes
// failed.csv, which can be repaired and dropped again. The rules are in docs/csv.md.
//
// The package knows no AWS service, only the shape of a pool ([Pool]).
package usercsv
