// Trees of any shape and up to 31 splits with AVX2: each leaf knows the way to it, and one's is the row's.
//
//     leaf:  path = the lanes of the splits above it,  turns = those of them that it lies right of
//     the row's leaf is the one where   decisions & path == turns
//
// The layout of the splits is that of avx512_doubling.h, but without a permute of 64 bytes doubling
// does not pay.  Comparing all leaves at once takes two operations for eight leaves, and no load waits for
// another: 100 trees of 31 leaves take 582 ns a row, by the scalar walk 1,000.  (QuickScorer keeps, the other way round, for each split
// the leaves that it rules out; here nothing has to be added up.)
//
// A tree's paths stand before its turns, in the order in which packs of their comparisons give the leaves.
#pragma once

#include "avx2_walk.h"

#if defined(__x86_64__)

AVX2_INLINE __m256i matches32(__m256i decisions, const uint32_t *paths, size_t place) {
    __m256i path = _mm256_load_si256((const __m256i *)(paths + 8 * place));
    __m256i turns = _mm256_load_si256((const __m256i *)(paths + 32 + 8 * place));
    return _mm256_cmpeq_epi32(_mm256_and_si256(decisions, path), turns);
}

/// The leaf among 32.
AVX2_INLINE uint32_t leaf_of_32(uint32_t decisions, const uint32_t *paths) {
    __m256i own = _mm256_set1_epi32((int)decisions);
    __m256i low = _mm256_packs_epi32(matches32(own, paths, 0), matches32(own, paths, 1));
    __m256i high = _mm256_packs_epi32(matches32(own, paths, 2), matches32(own, paths, 3));
    return _tzcnt_u32((uint32_t)_mm256_movemask_epi8(_mm256_packs_epi16(low, high))) & 31;
}

/// Trees of up to 31 splits.
AVX2_INLINE void walk_paths(const vector_walk *walk, const row_sums *sums, int registers, int has_categories) {
    const serin_vector_segment *segment = walk->segment;
    uint8_t leaves[SERIN_VECTOR_CHUNK];
    for (uint32_t first = 0; first < segment->tree_count; first += SERIN_VECTOR_CHUNK) {
        uint32_t left = segment->tree_count - first, count = left < SERIN_VECTOR_CHUNK ? left : SERIN_VECTOR_CHUNK;
        for (uint32_t tree = 0; tree < count; tree++) {
            const size_t place = (first + tree) / 2;
            const int half = (int)((first + tree) & 1);
            uint32_t own = decide_half(walk->slots, walk->blocks + place * 256 + 32 * half, registers);
            own |= (uint32_t)(decision(walk, place, has_categories) >> (32 * half));
            leaves[tree] = (uint8_t)leaf_of_32(own, (const uint32_t *)(walk->paths + (size_t)(first + tree) * 256));
        }
        leaf_places from = {walk->leaves, first * (size_t)32, 32};
        add_bytes(sums, from, leaves, 1, first, count);
    }
}

#endif
