#include "textflag.h"

// A comparison makes each byte all ones or zero, and PMOVMSKB gathers the top bits. SSE2, which every amd64 processor
// has, looks at 16 bytes at a time, AVX2 at 32. As many bits of each class are stored; see the fields of Classes.

// SPREAD fills a register with a byte. AX and BX are lost.
#define SPREAD(byte, to) \
	MOVQ $byte, AX                \
	IMULQ BX, AX                  \
	MOVQ AX, to                   \
	PUNPCKLQDQ to, to

// EQUAL stores which bytes of X0 are that of a register. X1 and AX are lost.
#define EQUAL(byte, at) \
	MOVO byte, X1                 \
	PCMPEQB X0, X1                \
	PMOVMSKB X1, AX               \
	MOVW AX, at(DI)

// SIXTEEN stores what the nth 16 bytes of a block are.
#define SIXTEEN(n) \
	MOVOU (16*n)(SI), X0          \
	EQUAL(X8, 0+2*n)              \
	EQUAL(X9, 8+2*n)              \
	EQUAL(X10, 16+2*n)            \
	MOVO X10, X1                  \ // ' ' > c, both signed: what is not ASCII is less than zero
	PCMPGTB X0, X1                \
	MOVO X11, X2                  \
	PCMPEQB X0, X2                \
	POR X2, X1                    \
	MOVO X12, X2                  \
	PCMPEQB X0, X2                \
	POR X2, X1                    \
	PMOVMSKB X1, AX               \
	MOVW AX, (24+2*n)(DI)         \
	PMOVMSKB X0, AX               \
	MOVW AX, (32+2*n)(DI)         \
	EQUAL(X13, 40+2*n)

// func classify16(to *Classes, text *byte, n int, delim byte)
TEXT ·classify16(SB), NOSPLIT, $0-25
	MOVQ to+0(FP), DI
	MOVQ text+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ $0x0101010101010101, BX
	MOVBQZX delim+24(FP), AX
	IMULQ BX, AX
	MOVQ AX, X8
	PUNPCKLQDQ X8, X8
	SPREAD(0x22, X9)   // "
	SPREAD(0x20, X10)  // space
	SPREAD(0x5c, X11)  // \
	SPREAD(0x7f, X12)  // DEL
	SPREAD(0x0a, X13)  // line feed

block:
	SIXTEEN(0)
	SIXTEEN(1)
	SIXTEEN(2)
	SIXTEEN(3)
	ADDQ $64, SI
	ADDQ $48, DI
	DECQ CX
	JNZ block
	RET

// EQUAL32 and THIRTYTWO are the same for 32 bytes.
#define EQUAL32(byte, at) \
	VPCMPEQB Y0, byte, Y1         \
	VPMOVMSKB Y1, AX              \
	MOVL AX, at(DI)

#define THIRTYTWO(n) \
	VMOVDQU (32*n)(SI), Y0        \
	EQUAL32(Y8, 0+4*n)            \
	EQUAL32(Y9, 8+4*n)            \
	EQUAL32(Y10, 16+4*n)          \
	VPCMPGTB Y0, Y10, Y1          \
	VPCMPEQB Y0, Y11, Y2          \
	VPOR Y2, Y1, Y1               \
	VPCMPEQB Y0, Y12, Y2          \
	VPOR Y2, Y1, Y1               \
	VPMOVMSKB Y1, AX              \
	MOVL AX, (24+4*n)(DI)         \
	VPMOVMSKB Y0, AX              \
	MOVL AX, (32+4*n)(DI)         \
	EQUAL32(Y13, 40+4*n)

#define SPREAD32(byte, x, y) \
	MOVL $byte, AX                \
	VMOVD AX, x                   \
	VPBROADCASTB x, y

// func classify32(to *Classes, text *byte, n int, delim byte)
TEXT ·classify32(SB), NOSPLIT, $0-25
	MOVQ to+0(FP), DI
	MOVQ text+8(FP), SI
	MOVQ n+16(FP), CX
	VPBROADCASTB delim+24(FP), Y8
	SPREAD32(0x22, X9, Y9)
	SPREAD32(0x20, X10, Y10)
	SPREAD32(0x5c, X11, Y11)
	SPREAD32(0x7f, X12, Y12)
	SPREAD32(0x0a, X13, Y13)

block32:
	THIRTYTWO(0)
	THIRTYTWO(1)
	ADDQ $64, SI
	ADDQ $48, DI
	DECQ CX
	JNZ block32
	VZEROUPPER
	RET

// func rewrite16(to, text *byte, n int, delim byte, shuffles *[256]uint64) int
//
// Sixteen bytes are loaded, their delimiters made commas, and each half stored with its quotation marks shuffled out.
TEXT ·rewrite16(SB), NOSPLIT, $0-48
	MOVQ to+0(FP), DI
	MOVQ text+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ shuffles+32(FP), R8
	MOVQ $0x0101010101010101, BX
	MOVBQZX delim+24(FP), AX
	MOVQ AX, DX
	IMULQ BX, AX
	MOVQ AX, X8
	PUNPCKLQDQ X8, X8
	XORQ $0x2c, DX    // what makes a comma of a delimiter
	IMULQ BX, DX
	MOVQ DX, X10
	PUNPCKLQDQ X10, X10
	SPREAD(0x22, X9)   // "
	MOVQ DI, R9

sixteen:
	MOVOU (SI), X0
	MOVO X8, X1
	PCMPEQB X0, X1
	PAND X10, X1
	MOVO X9, X2
	PCMPEQB X0, X2
	PXOR X1, X0
	PMOVMSKB X2, AX
	CMPQ CX, $16
	JGE halves
	MOVL $0xffff, BX  // what is behind the text is left out as well
	SHLL CX, BX
	ORL BX, AX
	MOVWLZX AX, AX

halves:
	MOVBLZX AX, BX
	SHRL $8, AX
	MOVQ (R8)(BX*8), X3
	MOVQ (R8)(AX*8), X4
	MOVO X0, X5
	PSRLO $8, X5
	PSHUFB X3, X0
	PSHUFB X4, X5
	POPCNTL BX, BX
	POPCNTL AX, AX
	MOVQ X0, (DI)
	SUBQ BX, DI
	MOVQ X5, 8(DI)
	SUBQ AX, DI
	ADDQ $16, DI
	ADDQ $16, SI
	SUBQ $16, CX
	JGT sixteen
	SUBQ R9, DI
	MOVQ DI, ret+40(FP)
	RET

// func Prefetch(p unsafe.Pointer)
TEXT ·Prefetch(SB), NOSPLIT, $0-8
	MOVQ p+0(FP), AX
	PREFETCHT0 (AX)
	RET
