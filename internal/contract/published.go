package contract

// Published is the answer of publish-result and the output of import-users.
type Published struct {
	ImportID string  `json:"importId"`
	Verdict  Verdict `json:"verdict"`
	Message  string  `json:"message"`
	Rows     Rows    `json:"rows"`
	Result   string  `json:"result"` // where result.json is
	// Changes is the input of the execution that VerdictApplying asks for, and Again the next input of publish-result, or
	// of prepare-import after VerdictPreparing.
	Changes *ApplyChanges `json:"changes,omitempty"`
	Again   *Import       `json:"again,omitempty"`
}

// VerdictTakenOver is the verdict of an import that has no result: a later sweep took its files over. No result.json has
// it.
const VerdictTakenOver Verdict = "TAKEN_OVER"

// VerdictApplying is the verdict of an import that has no result yet: changes are to be applied before. No result.json
// has it.
const VerdictApplying Verdict = "APPLYING"

// VerdictPreparing is the verdict of an import that prepare-import has not done with: it reads a large user pool in
// several runs. No result.json has it.
const VerdictPreparing Verdict = "PREPARING"

// FilesTakenOver returns what an import ends with whose files another one took over.
func FilesTakenOver(importID string) Published {
	return Published{
		ImportID: importID, Verdict: VerdictTakenOver,
		Message: "A later sweep took the files of this import over; their result is under its import id.",
	}
}
