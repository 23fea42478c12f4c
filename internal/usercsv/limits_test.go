package usercsv_test

import (
	"errors"
	"fmt"
	"testing"

	"userdrop/internal/contract"
	"userdrop/internal/usercsv"
)

// A drop with more parts or users than it may have is refused when that shows, long before its last row.
func TestTooLarge(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits usercsv.Limits
		most   int // rows read when it is refused
	}{
		{"parts", usercsv.Limits{Rows: 100, Bytes: 1 << 20, Parts: 3, Users: 1 << 30}, 301},
		{"bytes of parts", usercsv.Limits{Rows: 1 << 20, Bytes: 10_000, Parts: 2, Users: 1 << 30}, 2*10_000/100 + 1},
		{"users", usercsv.Limits{Rows: 100, Bytes: 1 << 20, Parts: 200, Users: 500}, 501},
	} {
		t.Run(test.name, func(t *testing.T) {
			sink := &sizes{}
			p, err := usercsv.NewPreparer(testPool(), complete(usercsv.Settings{}), sink)
			if err != nil {
				t.Fatal(err)
			}
			p.Limits = test.limits
			source := &lines{header: "username,email,email_verified", n: 1_000_000, row: func(b []byte, i int) []byte {
				return fmt.Appendf(b, "u%07d,u%07d@example.com,true", i, i)
			}}
			summary, err := p.Add(t.Context(), source)
			refusal, refused := errors.AsType[*usercsv.Refusal](err)
			if !refused || !refusal.Has(contract.TooLarge) || !refusal.Late {
				t.Fatalf("got %v", err)
			}
			const buffer = 1 << 20
			if read := summary.Bytes; read > int64(test.most*50+buffer) {
				t.Errorf("%d bytes were read", read)
			}
			if len(sink.parts) > test.limits.Parts {
				t.Errorf("%d parts were opened", len(sink.parts))
			}
			if _, err := p.Close(); err == nil {
				t.Error("Close succeeds although the drop is refused")
			}
		})
	}
}
