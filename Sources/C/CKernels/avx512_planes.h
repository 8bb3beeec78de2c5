// Oblivious trees (CatBoost's): one question a level, so 64 trees share a register a level.
//
//     plane d: lane t is what tree t asks at level d   →   64 decisions: bit d of 64 leaves' numbers
//
// Six planes give the leaves of 64 trees of depth 6.  500 trees take 819 ns a row, of which adding
// 500 doubles one behind the other is about half.
//
// A block is one plane, 64 slots and 64 ranks; the planes of 64 trees follow each other, root first.
#pragma once

#include "avx512_walk.h"

#if defined(__x86_64__)

AVX512_INLINE void walk_planes(
    const vector_walk *walk, const row_sums *sums, int registers, int has_categories) {
    const serin_vector_segment *segment = walk->segment;
    const uint32_t depth = segment->depth;
    uint8_t numbers[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    size_t place = 0;
    for (uint32_t first = 0; first < segment->tree_count; first += SERIN_VECTOR_CHUNK) {
        uint32_t left = segment->tree_count - first, count = left < SERIN_VECTOR_CHUNK ? left : SERIN_VECTOR_CHUNK;
        __m512i number = _mm512_setzero_si512();
        for (uint32_t level = depth; level-- > 0; place++) {
            uint64_t right =
                decide(walk->slots, walk->blocks + place * 128, registers) | decision(walk, place, has_categories);
            __m512i bit = _mm512_set1_epi8((char)(1u << level));
            number = _mm512_or_si512(number, _mm512_maskz_mov_epi8(_cvtu64_mask64(right), bit));
        }
        _mm512_store_si512(numbers, number);
        leaf_places from = {walk->leaves, (size_t)first << depth, (size_t)1 << depth};
        add_bytes(sums, from, numbers, 1, first, count);
    }
}

#endif
