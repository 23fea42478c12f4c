package contract_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"userdrop/internal/contract"
)

// oddNames are files whose names look like later fields of an execution's name.
var oddNames = []string{
	"new-guests.csv", "a-g2.csv", "a-g.csv", "-t1.csv", "x-t1790000000-g3.csv", "p-p1-r5-0.csv", "r-r100.csv", "up-a1.csv",
	"-p1.csv", "2026-01-15.csv", "0.csv", "名簿-g.csv", "Пользователи-p2-r7.csv", "مستخدمون.csv", "a b+c%20-g1.csv", "-.csv", ".csv",
	strings.Repeat("g-", 40) + ".csv", strings.Repeat("p1-r1-t1-g1-", 6) + ".csv", strings.Repeat("é", 80) + ".csv",
}

// TestExecutionNames takes the name of every part, successor and Redrive of drops with odd names apart again.
func TestExecutionNames(t *testing.T) {
	letters := []string{"-g", "-t", "-r", "-p", "-a", "-", "7", "g", "p", "名", "ж", " "}
	d := rand.New(rand.NewPCG(1, 2))
	names := oddNames
	for range 500 {
		var b strings.Builder
		for b.Len() < d.IntN(80) {
			b.WriteString(letters[d.IntN(len(letters))])
		}
		names = append(names, b.String())
	}
	for _, file := range names {
		id := contract.ImportID(contract.Object{Bucket: "inbox", Key: "incoming/us-east-1_A/" + file, VersionID: "v", ETag: "e"})
		for _, want := range []contract.ExecutionName{
			{ImportID: id, Part: 1, Rows: 1, Generation: 1},
			{ImportID: id, Part: 200, Rows: 500_000, Generation: 1},
			{ImportID: id, Part: 7, Rows: 41, Generation: 1, Ticket: time.Unix(1_790_000_000, 0).UTC()},
			{ImportID: id, Part: 200, Rows: 500_000, Generation: 999, Ticket: time.Unix(1_790_000_000, 0).UTC()},
		} {
			for _, redrive := range []string{"", "-0", "-12"} {
				name := want.String() + redrive
				if len(name) > 80 {
					t.Errorf("%s has %d characters: Step Functions takes 80", name, len(name))
				}
				got, ok := contract.ParseExecutionName(name)
				if diff := cmp.Diff(want, got); diff != "" || !ok {
					t.Fatalf("%s: parsed %t (-want +got):\n%s", name, ok, diff)
				}
			}
		}
	}
}

// TestSuccessors hands a part over many times: each execution has a new name, of one more generation.
func TestSuccessors(t *testing.T) {
	for _, file := range oddNames {
		var job contract.ImportJob
		job.ImportID = contract.ImportID(contract.Object{Key: "incoming/" + file})
		job.Part, job.Rows, job.Ticket = 3, 77, time.Unix(1_790_000_000, 0).UTC()
		job.Execution = contract.ExecutionName{ImportID: job.ImportID, Part: 3, Rows: 77}.String()
		for generation := 2; generation < 30; generation++ {
			job.Execution = job.Successor()
			want := contract.ExecutionName{
				ImportID: job.ImportID, Part: 3, Rows: 77, Ticket: job.Ticket, Generation: generation,
			}
			if got, _ := contract.ParseExecutionName(job.Execution + "-0"); got != want {
				t.Fatalf("%s: hand-over %d: %+v, want %+v", file, generation-1, got, want)
			}
		}
	}
}

func TestForeignExecutionNames(t *testing.T) {
	for _, name := range []string{
		"", "users", "users-p1", "users-r5", "users-p-r5", "users-p1-r", "users-p1-r0", "-p1-r5", "users-p1-r5-x1",
		"users-p1-r5-0-0-0x", "users-p99999999999999999999-r5", "users-p1-r5-tzzzzzzzzzzzzzzzz",
	} {
		if got, ok := contract.ParseExecutionName(name); ok {
			t.Errorf("%q is parsed as %+v", name, got)
		}
	}
}

// TestDecimalTicket reads a successor's name of before tickets were in base 36.
func TestDecimalTicket(t *testing.T) {
	got, ok := contract.ParseExecutionName("users-0a1b-p2-r500-t1790000000-g3-0")
	want := contract.ExecutionName{
		ImportID: "users-0a1b", Part: 2, Rows: 500, Ticket: time.Unix(1_790_000_000, 0).UTC(), Generation: 3,
	}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("parsed %t (-want +got):\n%s", ok, diff)
	}
}

func ExampleParseExecutionName() {
	name, ok := contract.ParseExecutionName("new-guests-0123456789abcdef01234567-p2-r500000-0")
	fmt.Println(name.ImportID, name.Part, name.Rows, ok)
	// Output: new-guests-0123456789abcdef01234567 2 500000 true
}
