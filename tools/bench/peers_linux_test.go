package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkPeers runs `userdrop check`, and validators that people use for CSV files, over one file of Cognito's template,
// each as a process of its own, start included, by the processor's time. All find rows of a wrong length; the schemas in
// peers/ ask for what a schema can say.
func BenchmarkPeers(b *testing.B) {
	text := []byte("name,given_name,family_name,middle_name,nickname,preferred_username,profile,picture,website,email," +
		"email_verified,gender,birthdate,zoneinfo,locale,phone_number,phone_number_verified,address,updated_at," +
		"cognito:mfa_enabled,cognito:username\n")
	for n := range 100_000 {
		text = fmt.Appendf(text, "Maria Example,Maria,Example,,mary,,,,,user%08d@example.com,true,female,02/%02d/1985,"+
			"America/Chicago,en-US,+1206555%04d,false,%d Main Street,14714%05d,false,user%08d\n",
			n, n%28+1, n%10000, n%999, n%99999, n)
	}
	file := filepath.Join(b.TempDir(), "users.csv")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
	const tools = "../../.tools/peers/bin/"
	for _, command := range [][]string{
		{build(b, "userdrop/cmd/userdrop") + "/userdrop", "check", file, "--pool", "../../examples/pool.json"},
		{tools + "csvclean", "--length-mismatch", file},
		{tools + "frictionless", "validate", "--trusted", "--schema", "peers/schema.json", file},
		{tools + "python", "peers/schema.py", file}, // pandas with pandera
	} {
		name := strings.Replace(filepath.Base(command[0]), "python", "pandera", 1)
		b.Run(name, func(b *testing.B) {
			if _, err := os.Stat(command[0]); err != nil {
				fmt.Fprintf(os.Stderr, "skipped: Peers/%s is not installed\n", name)
				b.SkipNow()
			}
			for b.Loop() {
				cmd := exec.Command(command[0], command[1:]...)
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v: %.2000s", err, out)
				}
				took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				b.ReportMetric(float64(len(text))/1e6/took.Seconds(), "MB/s")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
