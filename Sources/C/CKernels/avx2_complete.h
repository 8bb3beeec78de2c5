// Complete trees of 3 to 8 levels with AVX2: avx512_complete.h and avx512_blocks.h with half the width.
// 100 trees of 6 levels take 430 ns a row where the scalar walk takes 590; 500 of 8 levels 1,600, not 3,650.
#pragma once

#include "avx2_walk.h"

#if defined(__x86_64__)

/// Walks trees `first` ..< `first + count` of `levels` levels that begin at the segment's first block.
AVX2_INLINE void complete_numbers(
    const vector_walk *walk, size_t first, size_t count, uint32_t *numbers, int levels, int registers,
    int has_categories) {
    uint64_t masks[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    const size_t start = (first << levels) / 64, blocks = (count << levels) / 64;
    for (size_t place = 0; place < blocks; place++)
        masks[place] = decide(walk->slots, walk->blocks + (start + place) * 128, registers) |
            decision(walk, start + place, has_categories);
    for (size_t tree = 0; tree < count; tree += 8) {
        const uint8_t *own = (const uint8_t *)masks + (tree << levels) / 8;
        store_numbers(numbers + tree, walk_masks(own, levels), first + tree, levels);
    }
}

AVX2_INLINE void walk_complete(
    const vector_walk *walk, const row_sums *sums, int depth, int registers, int has_categories) {
    uint32_t leaves[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    for (uint32_t first = 0; first < walk->segment->tree_count; first += SERIN_VECTOR_CHUNK) {
        uint32_t left = walk->segment->tree_count - first;
        uint32_t count = left < SERIN_VECTOR_CHUNK ? left : SERIN_VECTOR_CHUNK;
        complete_numbers(walk, first, (count + 15) & ~15u, leaves, depth, registers, has_categories);
        add_words(sums, (leaf_places){walk->leaves, 0, 0}, leaves, first, count);
    }
}

AVX2_INLINE void walk_blocks(const vector_walk *walk, const row_sums *sums, int levels, int registers) {
    const serin_vector_segment *segment = walk->segment;
    const size_t all = (segment->tree_count + 15) & ~(size_t)15;
    const uint8_t *lower = walk->blocks + (all << levels) * 2;
    uint32_t blocks[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    uint32_t leaves[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    uint32_t masks[SERIN_VECTOR_CHUNK / 2] __attribute__((aligned(64)));
    for (uint32_t first = 0; first < segment->tree_count; first += SERIN_VECTOR_CHUNK) {
        uint32_t left = segment->tree_count - first, count = left < SERIN_VECTOR_CHUNK ? left : SERIN_VECTOR_CHUNK;
        size_t padded = (count + 15) & ~15u;
        complete_numbers(walk, first, padded, blocks, levels, registers, 0);
        for (size_t tree = 0; tree < padded; tree += 2)
            masks[tree / 2] = decide_blocks(walk->slots, lower, blocks + tree, registers);
        for (size_t tree = 0; tree < padded; tree += 8) {
            __m256i place = walk_masks((const uint8_t *)masks + 2 * tree, 4);
            __m256i base = _mm256_slli_epi32(_mm256_load_si256((const __m256i *)(blocks + tree)), 4);
            place = _mm256_add_epi32(base, _mm256_sub_epi32(place, _mm256_set1_epi32(16)));
            _mm256_store_si256((__m256i *)(leaves + tree), place);
        }
        add_words(sums, (leaf_places){walk->leaves, 0, 0}, leaves, first, count);
    }
}

#endif
