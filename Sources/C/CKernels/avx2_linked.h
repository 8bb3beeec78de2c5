// Trees of any depth in linked blocks of four levels with AVX2: avx512_linked.h, two blocks a register.
// Links are followed one by one; their answers come from arithmetic, so there is no branch to miss.
#pragma once

#include "avx2_walk.h"

#if defined(__x86_64__)

AVX2_INLINE void walk_linked(const vector_walk *walk, const row_sums *sums, int registers) {
    const serin_vector_segment *segment = walk->segment;
    const uint32_t limit = segment->link_count;
    uint32_t current[SERIN_VECTOR_CHUNK], blocks[SERIN_VECTOR_CHUNK];
    uint32_t masks[SERIN_VECTOR_CHUNK / 2] __attribute__((aligned(64)));
    uint32_t places[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    for (uint32_t first = 0; first < segment->tree_count; first += SERIN_VECTOR_CHUNK) {
        uint32_t left = segment->tree_count - first, count = left < SERIN_VECTOR_CHUNK ? left : SERIN_VECTOR_CHUNK;
        size_t padded = (count + 15) & ~15u;
        for (uint32_t tree = 0; tree < padded; tree++) current[tree] = blocks[tree] = first + tree;
        for (uint32_t step = 0; step < segment->depth; step++) {
            for (size_t tree = 0; tree < padded; tree += 2)
                masks[tree / 2] = decide_blocks(walk->slots, walk->blocks, blocks + tree, registers);
            for (size_t tree = 0; tree < padded; tree += 8)
                _mm256_store_si256(
                    (__m256i *)(places + tree), walk_masks((const uint8_t *)masks + 2 * tree, 4));
            for (size_t tree = 0; tree < padded; tree++) {
                serin_link link = walk->links[blocks[tree]];
                // Places begin at 16.
                uint32_t boundaries = _bzhi_u32(link.boundaries, places[tree] - 15);
                uint32_t child = link.base + (uint32_t)__builtin_popcount(boundaries);
                uint32_t next = current[tree] < limit ? child : current[tree];
                current[tree] = next;
                blocks[tree] = next < limit ? next : 0;
            }
        }
        for (size_t tree = 0; tree < padded; tree++)
            current[tree] = current[tree] >= limit ? current[tree] - limit : 0;
        add_words(sums, (leaf_places){walk->leaves, 0, 0}, current, first, count);
    }
}

#endif
