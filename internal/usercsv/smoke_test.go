package usercsv

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
)

type memSink struct {
	parts    []*memPart
	rejected []string
}
type memPart struct {
	bytes.Buffer
	lines bytes.Buffer
	sum   PartSummary
}

func (m *memPart) Lines() io.Writer          { return &m.lines }
func (m *memPart) Close(s PartSummary) error { m.sum = s; return nil }
func (m *memPart) Discard() error            { return nil }
func (m *memSink) OpenPart(_ context.Context, p Part) (PartWriter, error) {
	mp := &memPart{}
	m.parts = append(m.parts, mp)
	return mp, nil
}
func (m *memSink) Reject(_ context.Context, r *Rejected) error {
	m.rejected = append(m.rejected, fmt.Sprint(r.Line, " ", r.Codes))
	return nil
}

func TestSmoke(t *testing.T) {
	pool := &Pool{AutoVerified: []string{"email"}, CaseSensitive: true}
	sink := &memSink{}
	p, _ := NewPreparer(pool, Settings{AssumeVerified: "email"}, sink)
	sum, err := p.Add(context.Background(), strings.NewReader("username,email,name,phone\r\nann,ann@x.y,\"Smith, Ann\",\"+44 (0)20 7946 0018\"\nbob,bob@@x,\"b\" x,\n,,,\n\"\",a@b,c,\nann,a@b,\"Q \"\"x\"\"\",\n"))
	fmt.Printf("%+v %v\n", sum, err)
	s2, err := p.Close()
	fmt.Printf("%+v %v\n", s2, err)
	for _, m := range sink.parts {
		fmt.Println(m.String())
	}
	fmt.Println(strings.Join(sink.rejected, "\n"))
}
