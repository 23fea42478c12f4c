package contract_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
)

// TestMerge adds up problems and notes of several sources, in the order of their codes, with the first ten lines.
func TestMerge(t *testing.T) {
	problems := contract.MergeProblems(
		[]contract.Problem{
			{Code: contract.BadEmail, Count: 2, Lines: []int{4, 9}, Message: "m"},
			{Code: contract.UnknownColumn, Count: 1, Columns: []string{"a"}},
		},
		[]contract.Problem{{Code: contract.BadEmail, Count: 12, Lines: []int{1, 2, 3, 5, 6, 7, 8, 10, 11, 12}}},
		[]contract.Problem{{Code: contract.UnknownColumn, Count: 2, Columns: []string{"b", "c"}}},
	)
	want := []contract.Problem{
		{Code: contract.UnknownColumn, Count: 3, Lines: []int{}, Columns: []string{"a", "b", "c"}},
		{Code: contract.BadEmail, Count: 14, Lines: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, Message: "m"},
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	notes := contract.MergeNotes(
		[]contract.Note{{Code: contract.NullText, Count: 1, Lines: []int{7}}},
		[]contract.Note{{Code: contract.ColumnIgnored, Count: 1, Columns: []string{"a"}}},
		[]contract.Note{
			{Code: contract.ColumnIgnored, Count: 1, Columns: []string{"b"}},
			{Code: contract.NullText, Count: 1, Lines: []int{3}},
		},
	)
	wantNotes := []contract.Note{
		{Code: contract.ColumnIgnored, Count: 2, Lines: []int{}, Columns: []string{"a", "b"}},
		{Code: contract.NullText, Count: 2, Lines: []int{3, 7}},
	}
	if diff := cmp.Diff(wantNotes, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// TestCodes reads back the name of every code and of every note, and finds a title and a message for each.
func TestCodes(t *testing.T) {
	names := map[string]bool{}
	for _, code := range contract.AllCodes() {
		text, err := code.MarshalText()
		var back contract.Code
		if err != nil || back.UnmarshalText(text) != nil || back != code || code.Title() == "" || code.Message() == "" {
			t.Errorf("%s: %v, %q, %q", code, err, code.Title(), code.Message())
		}
		if names[code.String()] {
			t.Errorf("%s is named twice", code)
		}
		names[code.String()] = true
	}
	for _, code := range contract.AllNoteCodes() {
		text, err := code.MarshalText()
		var back contract.NoteCode
		if err != nil || back.UnmarshalText(text) != nil || back != code || code.Title() == "" || code.Message() == "" {
			t.Errorf("%s: %v, %q, %q", code, err, code.Title(), code.Message())
		}
	}
	var none contract.Code
	if none.UnmarshalText([]byte("Nothing")) == nil || none.OfFile() != true {
		t.Error("a code of no name is taken")
	}
}

// TestNameFlags names settings as the command line does.
func TestNameFlags(t *testing.T) {
	got := contract.NameFlags("Use the setting DateOrder or the parameter NullText; IgnoreColumns alone stays.")
	if want := "Use --date-order or --null-text; IgnoreColumns alone stays."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
