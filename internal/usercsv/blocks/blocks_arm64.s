#include "textflag.h"

// NEON, which every arm64 processor has, looks at 16 bytes at a time: a comparison makes each byte all ones or zero. Of
// these V20 leaves a bit each, and adding neighbours three times over makes eight bytes one.

// GATHER stores a class whose 64 bytes stand in V4 to V7. R3 is lost.
#define GATHER(at) \
	VAND V20.B16, V4.B16, V4.B16    \
	VAND V20.B16, V5.B16, V5.B16    \
	VAND V20.B16, V6.B16, V6.B16    \
	VAND V20.B16, V7.B16, V7.B16    \
	VADDP V5.B16, V4.B16, V4.B16    \
	VADDP V7.B16, V6.B16, V6.B16    \
	VADDP V6.B16, V4.B16, V4.B16    \
	VADDP V4.B16, V4.B16, V4.B16    \
	VMOV V4.D[0], R3                \
	MOVD R3, at(R0)

// EQUAL stores which bytes are that of a register. V4 to V7 and R3 are lost.
#define EQUAL(byte, at) \
	VCMEQ V0.B16, byte.B16, V4.B16  \
	VCMEQ V1.B16, byte.B16, V5.B16  \
	VCMEQ V2.B16, byte.B16, V6.B16  \
	VCMEQ V3.B16, byte.B16, V7.B16  \
	GATHER(at)

// OTHER tells which bytes are backslashes, DEL, not ASCII, or control characters, which have none of the top three bits.
#define OTHER(text, to) \
	VCMEQ text.B16, V19.B16, to.B16 \
	VCMEQ text.B16, V21.B16, V8.B16 \
	VORR V8.B16, to.B16, to.B16     \
	VCMTST text.B16, V22.B16, V8.B16 \
	VORR V8.B16, to.B16, to.B16     \
	VUSHR $5, text.B16, V8.B16      \
	VCMEQ V8.B16, V23.B16, V8.B16   \
	VORR V8.B16, to.B16, to.B16

// func classify(to *Classes, text *byte, n int, delim byte)
TEXT ·classify(SB), NOSPLIT, $0-25
	MOVD to+0(FP), R0
	MOVD text+8(FP), R1
	MOVD n+16(FP), R2
	MOVBU delim+24(FP), R3
	VDUP R3, V16.B16
	VMOVI $0x22, V17.B16  // "
	VMOVI $0x20, V18.B16  // space
	VMOVI $0x5c, V19.B16  // \
	VMOVI $0x7f, V21.B16  // DEL
	VMOVI $0x80, V22.B16
	VMOVI $0x00, V23.B16
	VMOVI $0x0a, V24.B16  // line feed
	MOVD $0x8040201008040201, R3
	VDUP R3, V20.D2

block:
	VLD1.P 64(R1), [V0.B16, V1.B16, V2.B16, V3.B16]
	EQUAL(V16, 0)
	EQUAL(V17, 8)
	EQUAL(V18, 16)
	OTHER(V0, V4)
	OTHER(V1, V5)
	OTHER(V2, V6)
	OTHER(V3, V7)
	GATHER(24)
	VCMTST V0.B16, V22.B16, V4.B16
	VCMTST V1.B16, V22.B16, V5.B16
	VCMTST V2.B16, V22.B16, V6.B16
	VCMTST V3.B16, V22.B16, V7.B16
	GATHER(32)
	EQUAL(V24, 40)
	ADD $48, R0
	SUBS $1, R2
	BNE block
	RET

// func rewrite16(to, text *byte, n int, delim byte, shuffles *[256]uint64) int
//
// Sixteen bytes are loaded, their delimiters made commas, and each half stored with its quotation marks shuffled out.
TEXT ·rewrite16(SB), NOSPLIT, $0-48
	MOVD to+0(FP), R0
	MOVD text+8(FP), R1
	MOVD n+16(FP), R2
	MOVBU delim+24(FP), R3
	MOVD shuffles+32(FP), R8
	VDUP R3, V16.B16
	EOR $0x2c, R3          // what makes a comma of a delimiter
	VDUP R3, V18.B16
	VMOVI $0x22, V17.B16   // "
	MOVD $0x8040201008040201, R3
	VDUP R3, V20.D2
	MOVD R0, R9

sixteen:
	VLD1.P 16(R1), [V0.B16]
	VCMEQ V0.B16, V16.B16, V1.B16
	VAND V18.B16, V1.B16, V1.B16
	VCMEQ V0.B16, V17.B16, V2.B16
	VEOR V1.B16, V0.B16, V0.B16
	VAND V20.B16, V2.B16, V2.B16
	VADDP V2.B16, V2.B16, V2.B16
	VADDP V2.B16, V2.B16, V2.B16
	VADDP V2.B16, V2.B16, V2.B16
	VMOV V2.H[0], R3
	CMP $16, R2
	BGE halves
	MOVD $0xffff, R4       // what is behind the text is left out as well
	LSL R2, R4, R4
	ORR R4, R3, R3
	AND $0xffff, R3, R3

halves:
	AND $0xff, R3, R4
	LSR $8, R3, R5
	MOVD (R8)(R4<<3), R6
	VMOV R6, V3.D[0]
	MOVD (R8)(R5<<3), R7
	VMOV R7, V4.D[0]
	VEXT $8, V0.B16, V0.B16, V5.B16
	VTBL V3.B8, [V0.B16], V6.B8
	VTBL V4.B8, [V5.B16], V7.B8
	VMOV R3, V2.D[0]
	VCNT V2.B8, V2.B8      // how many are left out of each half
	VMOV V2.B[0], R4
	VMOV V2.B[1], R5
	FMOVD F6, (R0)
	SUB R4, R0
	FMOVD F7, 8(R0)
	SUB R5, R0
	ADD $16, R0
	SUBS $16, R2
	BGT sixteen
	SUB R9, R0
	MOVD R0, ret+40(FP)
	RET

// func Prefetch(p unsafe.Pointer)
TEXT ·Prefetch(SB), NOSPLIT, $0-8
	MOVD p+0(FP), R0
	PRFM (R0), PLDL1KEEP
	RET
