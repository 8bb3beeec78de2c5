// Bit slices with AVX-512 (VBMI and GFNI): words of 512 rows, of 256, or of 64.
#include "bitslice.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(                                                                            \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,gfni,bmi,bmi2,popcnt"))),       \
    apply_to = function)

/// 64 rows, in the low half: registers of this kind are more than the general ones.
typedef uint64_t words2 __attribute__((vector_size(16)));
typedef uint64_t words4 __attribute__((vector_size(32)));
typedef uint64_t words8 __attribute__((vector_size(64)));

/// A load that stays one: left to itself the compiler turns such loads into gathers, at half the speed.
SERIN_INLINE words2 fetch_64(const uint64_t *from) {
    words2 word;
    __asm__("vmovq %[from], %[word]" : [word] "=v"(word) : [from] "m"(*from));
    return word;
}

#include "bitslice_search_avx512.h"
#include "bitslice_rank.h"

// ---- leaves

typedef __m512i vec;
typedef __m512 floats;
typedef __m512d doubles;
#define OP(NAME) _mm512_##NAME
#define WEIGHT(I) (7 - (I))

SERIN_INLINE vec load(const void *from) { return _mm512_load_si512(from); }
SERIN_INLINE void store(void *to, vec value) { _mm512_store_si512(to, value); }

/// One byte of each of 64 leaves, from a table of 2^`bits` bytes.
SERIN_INLINE vec look_up(vec index, const uint8_t *table, unsigned bits) {
    if (bits <= 6) return _mm512_permutexvar_epi8(index, load(table));
    vec low = _mm512_permutex2var_epi8(load(table), index, load(table + 64));
    if (bits == 7) return low;
    vec high = _mm512_permutex2var_epi8(load(table + 128), index, load(table + 192));
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
}

#include "bitslice_leaves.h"

SERIN_INLINE void turn_512(const words8 *planes, unsigned bits, uint8_t *indices) {
    turn_planes((const vec *)planes, bits, indices);
}

/// The planes of 256 rows are halves of registers: two of them interleaved make one of indices.
SERIN_INLINE void turn_256(const words4 *planes, unsigned bits, uint8_t *indices) {
    __m256i p[8], a[8], b[8], c[8];
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < 8; i++) p[i] = WEIGHT(i) < bits ? (__m256i)planes[bits - 1 - WEIGHT(i)] : (__m256i){};
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        a[i] = _mm256_unpacklo_epi8(p[2 * i], p[2 * i + 1]);
        a[4 + i] = _mm256_unpackhi_epi8(p[2 * i], p[2 * i + 1]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 4)
        for (int pair = 0; pair < 2; pair++) {
            b[i + pair] = _mm256_unpacklo_epi16(a[i + 2 * pair], a[i + 2 * pair + 1]);
            b[i + 2 + pair] = _mm256_unpackhi_epi16(a[i + 2 * pair], a[i + 2 * pair + 1]);
        }
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 2) {
        c[i] = _mm256_unpacklo_epi32(b[i], b[i + 1]);
        c[i + 1] = _mm256_unpackhi_epi32(b[i], b[i + 1]);
    }
    // c[i] has rows 16 i … 16 i + 15 of each half; lanes are to be quarters.
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        const vec both = _mm512_inserti64x4(_mm512_castsi256_si512(c[i]), c[i + 4], 1);
        store(indices + 64 * i, transpose_bits(_mm512_shuffle_i64x2(both, both, 0xd8)));
    }
}

/// The planes of 64 rows fit one register.
SERIN_INLINE void turn_64(const words2 *planes, unsigned bits, uint8_t *indices) {
    __m128i p[8];
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < 8; i++) p[i] = WEIGHT(i) < bits ? (__m128i)planes[bits - 1 - WEIGHT(i)] : (__m128i){};
    const __m256i low = _mm256_set_m128i(_mm_unpacklo_epi64(p[2], p[3]), _mm_unpacklo_epi64(p[0], p[1]));
    const __m256i high = _mm256_set_m128i(_mm_unpacklo_epi64(p[6], p[7]), _mm_unpacklo_epi64(p[4], p[5]));
    const vec all = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    store(indices, transpose_bits(transpose_bytes(all)));
}

// ---- masks and trees

#define WORD words8
#define PLANE words8
#define FETCH(FROM, INDEX) ((FROM)[INDEX])
#define KEEP(VALUE)
#define WORDS 8
#define NAME(X) X##_512
#include "bitslice_words.h"
#undef WORD
#undef PLANE
#undef FETCH
#undef KEEP
#undef WORDS
#undef NAME

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

void serin_bitslice_avx512(const serin_slice_work *work) {
    for (size_t word = 0; word < work->words; word++) rank_word(work, word);
    if (work->words == 8)
        score_512(work);
    else if (work->words == 4)
        score_256(work);
    else
        score_64(work);
}

#pragma clang attribute pop
#endif
