// Package agreement proves that check and Cognito's double agree: what the rules of internal/usercsv accept against a
// pool, an import job of localaws/cognito takes into that pool. The two know nothing of each other: the double reads
// the parts with a reader of its own.
package agreement
