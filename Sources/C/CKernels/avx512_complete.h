// Complete trees of 3 to 6 levels: all decisions of a tree at once, then the walk over bits.
//
//     a tree of 6 levels:   lanes 1 … 63 of a register are its nodes, breadth first; lane 0 is idle
//                           vpermb fetches each node's slot, one compare decides all 63
//     5, 4, 3 levels:       2, 4, 8 trees share a register
//
// The decisions are a bit mask, and the walk is `place = 2 place + bit place of the mask`: eight
// trees at once in 64-bit lanes, or sixteen in 32-bit lanes where 32 bits hold a tree.  No node is
// fetched by an address that depends on another, so nothing waits for memory.  100 trees of 6 levels
// take 353 ns a row, ranks included; flat scalar walks took 1,450.
#pragma once

#include "avx512_walk.h"

#if defined(__x86_64__)

/// Masks of the trees of one chunk, one behind the other, 2^depth bits each.
AVX512_INLINE void complete_masks(
    const vector_walk *walk, size_t first, size_t registers_of, uint64_t *masks, int registers, int has_categories) {
    const uint8_t *block = walk->blocks + first * 128;
    for (size_t place = 0; place < registers_of; place++, block += 128)
        masks[place] =
            decide(walk->slots, block, registers) | decision(walk, first + place, has_categories);
}

/// Leaves of `count` trees, a multiple of 16: numbers in the segment's leaves.
AVX512_INLINE void complete_leaves(const uint64_t *masks, size_t count, uint32_t first, uint32_t *leaves, int depth) {
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (size_t tree = 0; tree < count; tree += 16) {
        const uint8_t *own = (const uint8_t *)masks + (tree << depth) / 8;
        __m512i place;
        if (depth == 6) {
            __m256i low = _mm512_cvtepi64_epi32(walk8(_mm512_load_si512(own), 6));
            __m256i high = _mm512_cvtepi64_epi32(walk8(_mm512_load_si512(own + 64), 6));
            place = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
        } else if (depth == 5) {
            place = walk16(_mm512_load_si512(own), 5);
        } else if (depth == 4) {
            place = walk16(_mm512_cvtepu16_epi32(_mm256_load_si256((const __m256i *)own)), 4);
        } else {
            place = walk16(_mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)own)), 3);
        }
        // Tree t's leaf at place p is number (t << depth) + p - (1 << depth).
        __m512i base = _mm512_slli_epi32(_mm512_add_epi32(_mm512_set1_epi32((int)(first + tree) - 1), lanes), depth);
        _mm512_store_si512(leaves + tree, _mm512_add_epi32(base, place));
    }
}

AVX512_INLINE void walk_complete(
    const vector_walk *walk, const row_sums *sums, int depth, int registers, int has_categories) {
    const serin_vector_segment *segment = walk->segment;
    uint64_t masks[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    uint32_t leaves[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    for (uint32_t first = 0; first < segment->tree_count; first += SERIN_VECTOR_CHUNK) {
        uint32_t left = segment->tree_count - first, count = left < SERIN_VECTOR_CHUNK ? left : SERIN_VECTOR_CHUNK;
        size_t padded = (count + 15) & ~15u;
        complete_masks(
            walk, ((size_t)first << depth) / 64, (padded << depth) / 64, masks, registers, has_categories);
        complete_leaves(masks, padded, first, leaves, depth);
        add_words(sums, (leaf_places){walk->leaves, 0, 0}, leaves, first, count);
    }
}

#endif
