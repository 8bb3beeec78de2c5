// Bit slices with AVX2: words of 256 rows, or of 64.
#include "bitslice.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt"))), apply_to = function)

/// 64 rows, in the low half: registers of this kind are more than the general ones.
typedef uint64_t words2 __attribute__((vector_size(16)));
typedef uint64_t words4 __attribute__((vector_size(32)));

/// A load that stays one: left to itself the compiler turns such loads into gathers, at half the speed.
SERIN_INLINE words2 fetch_64(const uint64_t *from) {
    words2 word;
    __asm__("vmovq %[from], %[word]" : [word] "=x"(word) : [from] "m"(*from));
    return word;
}

#include "bitslice_search_avx2.h"
#include "bitslice_rank.h"

// ---- leaves

typedef __m256i vec;
typedef __m256 floats;
typedef __m256d doubles;
#define OP(NAME) _mm256_##NAME
#define WEIGHT(I) (I)

SERIN_INLINE vec load(const void *from) { return _mm256_load_si256(from); }
SERIN_INLINE void store(void *to, vec value) { _mm256_store_si256(to, value); }

/// Bit j of byte b becomes bit b of byte j, in each 64-bit number: squares of 2, 4 and 8 bits.
SERIN_INLINE vec transpose_bits(vec bytes) {
#define SWAP(SHIFT, MASK)                                                                                \
    do {                                                                                                 \
        vec moved = _mm256_xor_si256(bytes, _mm256_srli_epi64(bytes, SHIFT));                            \
        moved = _mm256_and_si256(moved, _mm256_set1_epi64x((long long)MASK));                            \
        bytes = _mm256_xor_si256(bytes, _mm256_xor_si256(moved, _mm256_slli_epi64(moved, SHIFT)));       \
    } while (0)
    SWAP(7, 0x00aa00aa00aa00aaull);
    SWAP(14, 0x0000cccc0000ccccull);
    SWAP(28, 0x00000000f0f0f0f0ull);
#undef SWAP
    return bytes;
}

/// One byte of each of 32 leaves, from a table of 2^`bits` bytes: 16 at a time by the index's low four bits,
/// chosen by the others.
SERIN_INLINE vec look_up(vec index, const uint8_t *table, unsigned bits) {
    const vec low = _mm256_and_si256(index, _mm256_set1_epi8(15));
    vec found[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < 1 << (bits - 4); i++) {
        const __m128i part = _mm_load_si128((const __m128i *)(table + 16 * i));
        found[i] = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(part), low);
    }
#pragma clang loop unroll(full)
    for (unsigned bit = 4; bit < bits; bit++) {
        const vec choice = _mm256_slli_epi16(index, (int)(7 - bit));
        for (int i = 0; i < 1 << (bits - 1 - bit); i++)
            found[i] = _mm256_blendv_epi8(found[2 * i], found[2 * i + 1], choice);
    }
    return found[0];
}

#include "bitslice_leaves.h"

SERIN_INLINE void turn_256(const words4 *planes, unsigned bits, uint8_t *indices) {
    turn_planes((const vec *)planes, bits, indices);
}

/// The planes of 64 rows interleave as halves of registers.
SERIN_INLINE void turn_64(const words2 *planes, unsigned bits, uint8_t *indices) {
    __m128i p[8], a[4], b[4];
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < 8; i++) p[i] = i < bits ? (__m128i)planes[bits - 1 - i] : (__m128i){};
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) a[i] = _mm_unpacklo_epi8(p[2 * i], p[2 * i + 1]);
#pragma clang loop unroll(full)
    for (int i = 0; i < 2; i++) {
        b[i] = _mm_unpacklo_epi16(a[2 * i], a[2 * i + 1]);
        b[2 + i] = _mm_unpackhi_epi16(a[2 * i], a[2 * i + 1]);
    }
    // Rows 0 … 15 and 32 … 47 in one register, the others in the next.
    store(indices, transpose_bits(_mm256_set_m128i(_mm_unpacklo_epi32(b[2], b[3]), _mm_unpacklo_epi32(b[0], b[1]))));
    store(
        indices + 32,
        transpose_bits(_mm256_set_m128i(_mm_unpackhi_epi32(b[2], b[3]), _mm_unpackhi_epi32(b[0], b[1]))));
}

// ---- masks and trees

#define WORD words4
#define PLANE words4
#define FETCH(FROM, INDEX) ((FROM)[INDEX])
#define KEEP(VALUE)
#define WORDS 4
#define NAME(X) X##_256
#include "bitslice_words.h"
#undef WORD
#undef PLANE
#undef FETCH
#undef KEEP
#undef WORDS
#undef NAME

#define WORD uint64_t
#define PLANE words2
#define FETCH(FROM, INDEX) fetch_64((FROM) + (INDEX))
#define KEEP(VALUE) __asm__("" : "+r"(VALUE))
#define WORDS 1
#define NAME(X) X##_64
#include "bitslice_words.h"
#undef WORD
#undef PLANE
#undef FETCH
#undef KEEP
#undef WORDS
#undef NAME

void serin_bitslice_avx2(const serin_slice_work *work) {
    for (size_t word = 0; word < work->words; word++) rank_word(work, word);
    if (work->words == 4)
        score_256(work);
    else
        score_64(work);
}

#pragma clang attribute pop
#endif
