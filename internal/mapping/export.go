package mapping

import (
	"errors"
	"io"

	"userdrop/internal/usercsv"
)

// Export is a JSON or NDJSON export whose records are mapped. It implements [usercsv.Records].
type Export struct {
	records *Records
	source  *Source
	names   map[string]int
	members []any
	failed  usercsv.Mapped
}

// OpenRecords prepares the engine for a JSON export whose records have members of the given names (see [Names]).
func (e *Engine) OpenRecords(r io.Reader, names []string) (*Export, error) {
	source, err := e.open(names)
	if err != nil {
		return nil, err
	}
	x := &Export{
		records: NewRecords(r, e.mapping), source: source, names: map[string]int{}, members: make([]any, len(names)),
	}
	for i, name := range names {
		x.names[name] = i
	}
	return x, nil
}

// Attributes returns those that mapped rows have.
func (x *Export) Attributes() []string { return x.source.attributes }

// Next returns the next record, mapped.
func (x *Export) Next() (place int, raw []byte, mapped *usercsv.Mapped, err error) {
	record, err := x.records.Next()
	if err != nil {
		return 0, nil, nil, err
	}
	if record.Fault != nil {
		x.failed = usercsv.Mapped{Failed: "record", Reason: record.Fault.Error()}
		x.source.e.account.Rows.Read++
		x.source.e.account.Rows.Failed++
		return record.Place, record.Raw, &x.failed, nil
	}
	clear(x.members)
	for name, value := range record.Members {
		n, known := x.names[name]
		if !known {
			return 0, nil, nil, errors.New("the export was changed while it was read")
		}
		x.members[n] = value
	}
	return record.Place, record.Raw, x.source.MapMembers(x.members, len(record.Raw)), nil
}
