package usercsv

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// seen is a set of usernames, kept as 64 bits of a keyed hash each.
//
// It is extendible hashing (Fagin and others, 1979): pages of a fixed size, found by a directory, that split when 70 %
// full. No table is ever copied to grow, so memory grows by a page at a time. Right after all pages have split
// at once they are 35 % full; that is the worst: 8 bytes / 0.35 = 22.9 bytes a row, under 24 with the directory.
//
// Among n names, two agree in 64 bits with the probability n²/2⁶⁵: one in 10⁸ drops of 500,000 rows has a false
// duplicate, and one in 23,000 drops that fill the largest pool, 40 million. Nothing is lost then: the row is in
// failed.csv, and is taken when that is dropped.
type seen struct {
	key       maphash.Seed
	depth     uint8       // the directory has 1<<depth entries
	directory []*seenPage // by the bottom bits of a hash
}

const (
	pageSlots = 1278 // a page just fits the allocator's size class of 10,240 bytes
	pageFull  = pageSlots * 7 / 10
)

type seenPage struct {
	slots [pageSlots]nameHash // 0 is an empty one
	n     uint16
	depth uint8 // how many bottom bits its hashes share
}

// nameHash is a name's hash. 0 is none's.
type nameHash uint64

// home is the slot of a page where a search begins.
func (h nameHash) home() uint {
	home, _ := bits.Mul64(uint64(h), pageSlots)
	return uint(home)
}

func newSeen() *seen { return &seen{key: maphash.MakeSeed(), directory: []*seenPage{{}}} }

// hash hashes a name.
func (s *seen) hash(name []byte) nameHash { return nameHash(max(maphash.Bytes(s.key, name), 1)) }

// page is the page of a hash.
func (s *seen) page(h nameHash) *seenPage { return s.directory[h&(1<<s.depth-1)] }

// find looks for a name. If it is not there, page and slot say where add is to put it.
func (s *seen) find(h nameHash) (page *seenPage, slot uint, found bool) {
	page = s.page(h)
	slot = page.find(h)
	return page, slot, page.slots[slot] == h
}

// add adds a name that was looked for last and not found.
func (s *seen) add(h nameHash, page *seenPage, slot uint) {
	if page.n < pageFull {
		page.slots[slot] = h
		page.n++
		return
	}
	for page.n >= pageFull {
		s.split(h, page)
		page = s.page(h)
	}
	page.add(h)
}

// split moves the half of the page whose next bit is set, h's page, to a page of its own.
func (s *seen) split(h nameHash, page *seenPage) {
	if page.depth == s.depth {
		s.directory = append(s.directory, s.directory...)
		s.depth++
	}
	bit := nameHash(1) << page.depth
	page.depth++
	sibling := &seenPage{depth: page.depth}
	for i := h&(bit-1) | bit; i < nameHash(len(s.directory)); i += bit << 1 {
		s.directory[i] = sibling
	}
	// Start at an empty slot: no hash that is yet to be moved is then between another one's home and its new slot.
	halves := [2]*seenPage{page, sibling}
	empty := slices.Index(page.slots[:], 0)
	page.n = 0
	for i := range pageSlots {
		from := empty + i
		if from >= pageSlots {
			from -= pageSlots
		}
		if h := page.slots[from]; h != 0 {
			page.slots[from] = 0
			halves[h>>(page.depth-1)&1].add(h)
		}
	}
}

// find is the slot of h, or the empty one where it belongs.
func (p *seenPage) find(h nameHash) uint {
	for slot := h.home(); ; slot++ {
		if slot >= pageSlots {
			slot = 0
		}
		if at := p.slots[slot]; at == h || at == 0 {
			return slot
		}
	}
}

func (p *seenPage) add(h nameHash) {
	p.slots[p.find(h)] = h
	p.n++
}
