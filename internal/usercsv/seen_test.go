package usercsv

import (
	"fmt"
	"reflect"
	"testing"
)

// The set of usernames takes at most 24 bytes a row at any moment, beyond a few pages, and finds all and only what
// was added.
func TestSeen(t *testing.T) {
	const rows = 700_000
	s := newSeen()
	var name []byte
	pages := 0
	for i := range rows {
		name = fmt.Appendf(name[:0], "user%d@example.com", i)
		h := s.hash(name)
		page, slot, found := s.find(h)
		if found {
			t.Fatalf("%s is found before it is added", name)
		}
		s.add(h, page, slot)
		if i%5000 == 4999 {
			unique := map[*seenPage]bool{}
			for _, page := range s.directory {
				unique[page] = true
			}
			pages = len(unique)
			const sizeClass = 10240
			if reflect.TypeFor[seenPage]().Size() > sizeClass {
				t.Fatal("a page is larger than its size class")
			}
			bytes := pages*sizeClass + cap(s.directory)*int(reflect.TypeFor[*seenPage]().Size())
			if most := 24*(i+1) + 8*sizeClass; bytes > most {
				t.Fatalf("%d rows: %d bytes, %.1f a row", i+1, bytes, float64(bytes)/float64(i+1))
			}
		}
	}
	for i := range rows {
		name = fmt.Appendf(name[:0], "user%d@example.com", i)
		if _, _, found := s.find(s.hash(name)); !found {
			t.Fatalf("%s is lost", name)
		}
	}
}
