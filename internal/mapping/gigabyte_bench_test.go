//go:build unix

package mapping_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"userdrop/internal/mapping"
	"userdrop/internal/phonenumber"
	"userdrop/internal/usercsv"
)

// BenchmarkGigabyte maps 1 GB of an export by the mapping supabase, which computes most of its columns, and reports the
// process's peak of resident memory beside the bar: 64 MB and 24 bytes a row.
func BenchmarkGigabyte(b *testing.B) {
	m, _ := mapping.Builtin("supabase")
	pool := &usercsv.Pool{ID: "us-east-1_Example", AutoVerified: []string{"email"}, CaseSensitive: true}
	for b.Loop() {
		settings := m.Rules(usercsv.Settings{PhoneNumbers: phonenumber.New(), Began: time.Now()})
		engine, err := mapping.New(m, mapping.TargetOf(pool, settings))
		if err != nil {
			b.Fatal(err)
		}
		settings.Mapping = engine
		p, err := usercsv.NewPreparer(pool, settings, void{})
		if err != nil {
			b.Fatal(err)
		}
		summary, err := p.Add(b.Context(), export(1_000_000_000))
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(summary.Bytes)
		b.ReportMetric(float64(summary.Read), "rows")
		b.ReportMetric(64+float64(24*summary.Read)/1e6, "bar-MB")
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatalf("peak memory is known on Linux only: %v", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes float64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(kilobytes/1e3, "peak-MB")
}

// export writes an export of Supabase of about so many bytes.
func export(size int) io.Reader {
	r, w := io.Pipe()
	go func() {
		text := []byte("id,aud,role,email,encrypted_password,email_confirmed_at,raw_app_meta_data,raw_user_meta_data," +
			"updated_at,phone,phone_confirmed_at,banned_until,deleted_at\n")
		for n, sent := 0, 0; sent < size; {
			for len(text) < 1<<20 {
				text = fmt.Appendf(text, "6f1b2c3d-0000-4000-8000-%012d,authenticated,authenticated,user%08d@example.com,"+
					"$2a$10$/3/aU5147fV19BYJJCAX7e1TxG09hby/6AordOiAMEAkm48GwyqUa,2024-01-15 10:30:00.123456+00,"+
					`"{""provider"": ""email"", ""providers"": [""email""]}","{""full_name"": ""Maria Example""}",`+
					"2026-01-15 10:31:00.123456+00,1206555%04d,,2020-01-01 00:00:00+00,\n", n, n, n%10000)
				n++
			}
			if _, err := w.Write(text); err != nil {
				return
			}
			sent += len(text)
			text = text[:0]
		}
		w.Close()
	}()
	return r
}
