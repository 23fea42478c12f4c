package usercsv

import (
	"hash/maphash"
	"math/bits"
	"unsafe"

	"userdrop/internal/usercsv/blocks"
)

// seen is a set of usernames, kept as 80 bits of a keyed hash each.
//
// It is extendible hashing (Fagin and others, 1979): pages of a fixed size, found by a directory, that split when 85 %
// full. No table is ever copied to grow, so memory grows by a page at a time. Right after all pages have split
// at once they are 42.5 % full; that is the worst: 10 bytes / 0.425 = 23.6 bytes a row, under 24 with the directory.
//
// Among n names, two agree in 80 bits with the probability n²/2⁸¹: one in 10¹³ drops of 500,000 rows has a false
// duplicate, and one in 1.5·10⁹ drops that fill the largest pool, 40 million.
type seen struct {
	keys      [2]maphash.Seed
	depth     uint8       // the directory has 1<<depth entries
	directory []*seenPage // by the bottom bits of a hash
}

const (
	pageSlots = 1020 // a page just fits the allocator's size class of 10,240 bytes
	pageFull  = pageSlots * 17 / 20
)

type seenPage struct {
	low   [pageSlots]uint64 // 0 is an empty slot
	high  [pageSlots]uint16
	n     uint16
	depth uint8 // how many bottom bits its hashes share
}

// nameHash is a name's hash.
type nameHash struct {
	low  uint64
	high uint16
}

// home is the slot of a page where a search begins.
func (h nameHash) home() uint {
	home, _ := bits.Mul64(h.low, pageSlots)
	return uint(home)
}

func newSeen() *seen {
	return &seen{keys: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, directory: []*seenPage{{}}}
}

// hash hashes a name, and asks for the place in memory where find will look for it, so that this has come near when
// the rest of the row is done: in a large set no cache holds it.
func (s *seen) hash(name []byte) nameHash {
	h := nameHash{max(maphash.Bytes(s.keys[0], name), 1), uint16(maphash.Bytes(s.keys[1], name))}
	page := s.directory[h.low&(1<<s.depth-1)]
	blocks.Prefetch(unsafe.Pointer(&page.low[h.home()]))
	return h
}

// find looks for a name. If it is not there, page and slot say where add is to put it.
func (s *seen) find(h nameHash) (page *seenPage, slot uint, found bool) {
	page = s.directory[h.low&(1<<s.depth-1)]
	slot, found = page.find(h)
	return page, slot, found
}

// add adds a name that was looked for last and not found.
func (s *seen) add(h nameHash, page *seenPage, slot uint) {
	if page.n < pageFull {
		page.set(slot, h)
		return
	}
	for page.n >= pageFull {
		s.split(h, page)
		page = s.directory[h.low&(1<<s.depth-1)]
	}
	page.add(h)
}

// split moves the half of the page whose next bit is set, h's page, to a page of its own.
func (s *seen) split(h nameHash, page *seenPage) {
	if page.depth == s.depth {
		s.directory = append(s.directory, s.directory...)
		s.depth++
	}
	bit := uint64(1) << page.depth
	full := *page
	*page = seenPage{depth: full.depth + 1}
	sibling := &seenPage{depth: full.depth + 1}
	for i := h.low&(bit-1) | bit; i < uint64(len(s.directory)); i += bit << 1 {
		s.directory[i] = sibling
	}
	for i, low := range full.low {
		switch {
		case low == 0:
		case low&bit == 0:
			page.add(nameHash{low, full.high[i]})
		default:
			sibling.add(nameHash{low, full.high[i]})
		}
	}
}

// find is the slot of h, or the empty one where it belongs.
func (p *seenPage) find(h nameHash) (slot uint, found bool) {
	for slot = h.home(); ; slot++ {
		if slot >= pageSlots {
			slot = 0
		}
		switch p.low[slot] {
		case h.low:
			if p.high[slot] == h.high {
				return slot, true
			}
		case 0:
			return slot, false
		}
	}
}

func (p *seenPage) add(h nameHash) {
	slot, _ := p.find(h)
	p.set(slot, h)
}

func (p *seenPage) set(slot uint, h nameHash) {
	p.low[slot], p.high[slot] = h.low, h.high
	p.n++
}
