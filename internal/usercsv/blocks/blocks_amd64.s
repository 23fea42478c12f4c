#include "textflag.h"

// With AVX2 a comparison makes each byte all ones or zero, and VPMOVMSKB gathers the top bits, of 32 bytes at a time.
// AVX-512 has registers for such masks, of 64 bytes, and gathers bytes by them.

// SPREAD fills a register with a byte. x is its lower part. AX is lost.
#define SPREAD(byte, x, to) \
	MOVL $byte, AX                \
	VMOVD AX, x                   \
	VPBROADCASTB x, to

// EQUAL stores which bytes of Y0 are that of a register. Y1 and AX are lost.
#define EQUAL(byte, at) \
	VPCMPEQB Y0, byte, Y1         \
	VPMOVMSKB Y1, AX              \
	MOVL AX, at(DI)

// HALF stores what 32 bytes of a block are; see the fields of Classes.
#define HALF(n) \
	VMOVDQU (32*n)(SI), Y0        \
	EQUAL(Y8, 0+4*n)              \
	EQUAL(Y9, 8+4*n)              \
	EQUAL(Y10, 16+4*n)            \
	VPCMPGTB Y0, Y10, Y1          \ // ' ' > c, both signed: what is not ASCII is less than zero
	VPCMPEQB Y0, Y11, Y2          \
	VPOR Y2, Y1, Y1               \
	VPCMPEQB Y0, Y12, Y2          \
	VPOR Y2, Y1, Y1               \
	VPMOVMSKB Y1, AX              \
	MOVL AX, (24+4*n)(DI)         \
	VPMOVMSKB Y0, AX              \
	MOVL AX, (32+4*n)(DI)         \
	EQUAL(Y13, 40+4*n)

// func classify32(to *Classes, text *byte, n int, delim byte)
TEXT ·classify32(SB), NOSPLIT, $0-25
	MOVQ to+0(FP), DI
	MOVQ text+8(FP), SI
	MOVQ n+16(FP), CX
	VPBROADCASTB delim+24(FP), Y8
	SPREAD(0x22, X9, Y9)    // "
	SPREAD(0x20, X10, Y10)  // space
	SPREAD(0x5c, X11, Y11)  // \
	SPREAD(0x7f, X12, Y12)  // DEL
	SPREAD(0x0a, X13, Y13)  // line feed

block:
	HALF(0)
	HALF(1)
	ADDQ $64, SI
	ADDQ $48, DI
	DECQ CX
	JNZ block
	VZEROUPPER
	RET

// CLASS stores which bytes of Z0 are that of a register. K1 is lost.
#define CLASS(byte, at) \
	VPCMPEQB byte, Z0, K1         \
	KMOVQ K1, at(DI)

// func classify64(to *Classes, text *byte, n int, delim byte)
TEXT ·classify64(SB), NOSPLIT, $0-25
	MOVQ to+0(FP), DI
	MOVQ text+8(FP), SI
	MOVQ n+16(FP), CX
	VPBROADCASTB delim+24(FP), Z8
	SPREAD(0x22, X9, Z9)
	SPREAD(0x20, X10, Z10)
	SPREAD(0x5c, X11, Z11)
	SPREAD(0x7f, X12, Z12)
	SPREAD(0x0a, X13, Z13)

block64:
	VMOVDQU64 (SI), Z0
	CLASS(Z8, 0)
	CLASS(Z9, 8)
	CLASS(Z10, 16)
	VPCMPGTB Z0, Z10, K1
	VPCMPEQB Z11, Z0, K2
	KORQ K2, K1, K1
	VPCMPEQB Z12, Z0, K2
	KORQ K2, K1, K1
	KMOVQ K1, 24(DI)
	VPMOVB2M Z0, K1
	KMOVQ K1, 32(DI)
	CLASS(Z13, 40)
	ADDQ $64, SI
	ADDQ $48, DI
	DECQ CX
	JNZ block64
	VZEROUPPER
	RET

// func rewrite16(to, text *byte, n int, delim byte, shuffles *[256]uint64) int
//
// Commas are blended in for delimiters, and each half of 16 bytes is stored with its quotation marks shuffled out.
TEXT ·rewrite16(SB), NOSPLIT, $0-48
	MOVQ to+0(FP), DI
	MOVQ text+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ shuffles+32(FP), R8
	VPBROADCASTB delim+24(FP), X8
	SPREAD(0x22, X9, X9)
	SPREAD(0x2c, X10, X10)
	MOVQ DI, R9

sixteen:
	VMOVDQU (SI), X0
	VPCMPEQB X8, X0, X1
	VPCMPEQB X9, X0, X2
	VPBLENDVB X1, X10, X0, X0
	VPMOVMSKB X2, AX
	CMPQ CX, $16
	JGE halves
	MOVL $0xffff, BX  // what is behind the text is left out as well
	SHLL CX, BX
	ORL BX, AX
	MOVWLZX AX, AX

halves:
	MOVBLZX AX, BX
	SHRL $8, AX
	VMOVQ (R8)(BX*8), X1
	VMOVQ (R8)(AX*8), X2
	VPSRLDQ $8, X0, X3
	VPSHUFB X1, X0, X0
	VPSHUFB X2, X3, X3
	POPCNTL BX, BX
	POPCNTL AX, AX
	VMOVQ X0, (DI)
	SUBQ BX, DI
	VMOVQ X3, 8(DI)
	SUBQ AX, DI
	ADDQ $16, DI
	ADDQ $16, SI
	SUBQ $16, CX
	JGT sixteen
	SUBQ R9, DI
	MOVQ DI, ret+40(FP)
	RET

// func rewrite64(to, text *byte, n int, delim byte) int
TEXT ·rewrite64(SB), NOSPLIT, $0-40
	MOVQ to+0(FP), DI
	MOVQ text+8(FP), SI
	MOVQ n+16(FP), CX
	VPBROADCASTB delim+24(FP), Z8
	SPREAD(0x22, X9, Z9)
	SPREAD(0x2c, X10, Z10)
	MOVQ $-1, R8
	KMOVQ R8, K3  // which bytes are of the text
	MOVQ DI, R9

sixtyfour:
	CMPQ CX, $64
	JGE whole
	BZHIQ CX, R8, AX
	KMOVQ AX, K3

whole:
	VMOVDQU8.Z (SI), K3, Z0
	VPCMPUB $4, Z9, Z0, K3, K2  // not equal
	VPCMPEQB Z8, Z0, K1
	VMOVDQU8 Z10, K1, Z0
	VPCOMPRESSB.Z Z0, K2, Z0
	VMOVDQU64 Z0, (DI)
	KMOVQ K2, AX
	POPCNTQ AX, AX
	ADDQ AX, DI
	ADDQ $64, SI
	SUBQ $64, CX
	JGT sixtyfour
	SUBQ R9, DI
	MOVQ DI, ret+32(FP)
	VZEROUPPER
	RET

// SIXTEEN stores sixteen numbers, X2, made 32 bits wide and added to the base.
#define SIXTEEN(n) \
	VPMOVZXBD X2, Z2              \
	VPADDD Z1, Z2, Z2             \
	VMOVDQU32 Z2, (64*n)(DI)

// func positions64(to *[Size]int32, base int32, set uint64, numbers *[Size]byte)
//
// The numbers from 0 to 63 are gathered by the set. Few blocks have more than sixteen of them.
TEXT ·positions64(SB), NOSPLIT, $0-32
	MOVQ to+0(FP), DI
	MOVL base+8(FP), AX
	VPBROADCASTD AX, Z1
	MOVQ set+16(FP), AX
	KMOVQ AX, K1
	MOVQ numbers+24(FP), SI
	VMOVDQU64 (SI), Z0
	VPCOMPRESSB.Z Z0, K1, Z0
	VMOVDQA X0, X2
	SIXTEEN(0)
	POPCNTQ AX, AX
	CMPQ AX, $16
	JLE done
	VEXTRACTI32X4 $1, Z0, X2
	SIXTEEN(1)
	VEXTRACTI32X4 $2, Z0, X2
	SIXTEEN(2)
	VEXTRACTI32X4 $3, Z0, X2
	SIXTEEN(3)

done:
	VZEROUPPER
	RET

// func ascii32(text *byte, n int) int
TEXT ·ascii32(SB), NOSPLIT, $0-24
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), CX
	VPXOR Y1, Y1, Y1
	MOVQ SI, R9

block:
	VMOVDQU (SI), Y0
	VPMINSB 32(SI), Y0, Y0
	VPCMPGTB Y1, Y0, Y0  // c > 0, signed
	VPMOVMSKB Y0, AX
	CMPL AX, $-1
	JNE other
	ADDQ $64, SI
	DECQ CX
	JNZ block

other:
	SUBQ R9, SI
	MOVQ SI, ret+16(FP)
	VZEROUPPER
	RET

// func Prefetch(p unsafe.Pointer)
TEXT ·Prefetch(SB), NOSPLIT, $0-8
	MOVQ p+0(FP), AX
	PREFETCHT0 (AX)
	RET
