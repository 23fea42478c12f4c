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
	MOVW AX, (32+2*n)(DI)

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

block:
	SIXTEEN(0)
	SIXTEEN(1)
	SIXTEEN(2)
	SIXTEEN(3)
	ADDQ $64, SI
	ADDQ $40, DI
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
	MOVL AX, (32+4*n)(DI)

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

block32:
	THIRTYTWO(0)
	THIRTYTWO(1)
	ADDQ $64, SI
	ADDQ $40, DI
	DECQ CX
	JNZ block32
	VZEROUPPER
	RET

// func Prefetch(p unsafe.Pointer)
TEXT ·Prefetch(SB), NOSPLIT, $0-8
	MOVQ p+0(FP), AX
	PREFETCHT0 (AX)
	RET
