package result_test

import (
	"bytes"
	"os"
	"testing"

	"userdrop/internal/result"
	"userdrop/internal/result/sample"
)

func TestView(t *testing.T) {
	for _, s := range sample.All() {
		var b bytes.Buffer
		if err := result.WriteReport(&b, s.Result, result.ReportOptions{}); err != nil {
			t.Fatal(err)
		}
		os.WriteFile("/tmp/rt/"+s.Name+".html", b.Bytes(), 0o644)
		b.Reset()
		result.WriteText(&b, s.Result, result.Style{Color: true})
		os.WriteFile("/tmp/rt/"+s.Name+".txt", b.Bytes(), 0o644)
		sub, body := result.Message(s.Result)
		os.WriteFile("/tmp/rt/"+s.Name+".msg", []byte(sub+"\n\n"+body), 0o644)
	}
}
