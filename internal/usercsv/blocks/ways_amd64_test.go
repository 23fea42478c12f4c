package blocks

// eachWay runs a test with all that this processor has, and then with less and less.
func eachWay(test func(way string)) {
	defer func(avx2, avx512 bool) { hasAVX2, hasAVX512 = avx2, avx512 }(hasAVX2, hasAVX512)
	if hasAVX512 {
		test("AVX-512")
		hasAVX512 = false
	}
	if hasAVX2 {
		test("AVX2")
		hasAVX2 = false
	}
	test("words")
}
