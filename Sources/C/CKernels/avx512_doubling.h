// Trees of any shape with up to 31 or 63 splits: pointer doubling.
//
//     lane of a split: its slot, its rank, its left and its right child, a byte each
//     next    = right child where decided, else left child     one level for every node at once
//     next[n] = next[next[n]]                                  two levels, four, eight, sixteen …
//
// A child is a lane with its highest bit set, or a leaf's number without; lookups (masked vpermb)
// leave leaves alone.  After k doublings lane 0, the root, has come 2^k levels far, so five reach the
// leaf of any tree of at most 32 levels.  A tree of 31 leaves takes half a register.  100 of
// them take 349 ns a row and 500 of 63 leaves 2,024, where QuickScorer took 465 and 4,109.
//
// A block is 256 bytes: 64 slots, ranks, left children, right children.
#pragma once

#include "avx512_walk.h"

#if defined(__x86_64__)

/// Next pointers after 2^doublings levels, cut to eight bytes: those of lanes 0, 8, … 56.
AVX512_INLINE __m128i last_pointers(
    const vector_walk *walk, size_t place, int doublings, int registers, int has_categories) {
    const uint8_t *block = walk->blocks + place * 256;
    uint64_t right = decide(walk->slots, block, registers) | decision(walk, place, has_categories);
    __m512i next = _mm512_mask_mov_epi8(
        _mm512_load_si512(block + 128), _cvtu64_mask64(right), _mm512_load_si512(block + 192));
#pragma clang loop unroll(full)
    for (int step = 0; step < doublings; step++)
        next = _mm512_mask_permutexvar_epi8(next, _mm512_movepi8_mask(next), next, next);
    return _mm512_cvtepi64_epi8(next);
}

AVX512_INLINE void walk_doubling(
    const vector_walk *walk, const row_sums *sums, int lanes, int doublings, int registers, int has_categories) {
    const serin_vector_segment *segment = walk->segment;
    uint8_t pointers[SERIN_VECTOR_CHUNK * 8] __attribute__((aligned(64)));
    for (uint32_t first = 0; first < segment->tree_count; first += SERIN_VECTOR_CHUNK / 2) {
        uint32_t left = segment->tree_count - first;
        uint32_t count = left < SERIN_VECTOR_CHUNK / 2 ? left : SERIN_VECTOR_CHUNK / 2;
        size_t start = (size_t)first * (size_t)lanes / 64, end = start + (count * (size_t)lanes + 63) / 64;
        for (size_t place = start; place < end; place++)
            _mm_storel_epi64(
                (__m128i *)(pointers + 8 * (place - start)),
                _mm_and_si128(
                    last_pointers(walk, place, doublings, registers, has_categories),
                    _mm_set1_epi8((char)(lanes - 1))));
        leaf_places from = {walk->leaves, first * (size_t)lanes, (size_t)lanes};
        add_bytes(sums, from, pointers, (size_t)lanes / 8, first, count);
    }
}

#endif
