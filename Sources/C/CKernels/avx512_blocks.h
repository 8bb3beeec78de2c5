// Complete trees of 7 or 8 levels: the upper three or four, then one of their blocks of four.
//
//     upper levels    lanes 1 … 15 (or 7) of a tree; four (or eight) trees share a register
//     block           the four levels below one of them: 16 slots and 16 ranks, 32 bytes
//
// Deciding all 255 nodes of a tree would take four registers, of which one path is used.  Instead
// the upper levels are decided for all trees of a chunk, their walks pick a block each, and four
// blocks of four trees meet in a register again.  500 trees of 8 levels take 1,679 ns a row; six and
// two levels took 2,198.
//
// The segment's blocks: first the upper levels of all trees, then 32 bytes for each block, tree by tree.
#pragma once

#include "avx512_walk.h"

#if defined(__x86_64__)

/// Walks the upper levels: the block of each tree, numbered through the segment.
AVX512_INLINE void upper_blocks(
    const vector_walk *walk, uint32_t first, size_t count, uint32_t *blocks, int levels, int registers) {
    uint64_t masks[SERIN_VECTOR_CHUNK / 4] __attribute__((aligned(64)));
    const uint8_t *block = walk->blocks + ((size_t)first << levels) * 2;
    for (size_t place = 0; place < (count << levels) / 64; place++, block += 128)
        masks[place] = decide(walk->slots, block, registers);
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (size_t tree = 0; tree < count; tree += 16) {
        const uint8_t *own = (const uint8_t *)masks + (tree << levels) / 8;
        __m512i mask = levels == 4 ? _mm512_cvtepu16_epi32(_mm256_load_si256((const __m256i *)own))
                                   : _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)own));
        __m512i base = _mm512_slli_epi32(_mm512_add_epi32(_mm512_set1_epi32((int)(first + tree) - 1), lanes), levels);
        _mm512_store_si512(blocks + tree, _mm512_add_epi32(base, walk16(mask, levels)));
    }
}

AVX512_INLINE void walk_blocks(
    const vector_walk *walk, const row_sums *sums, int levels, int registers) {
    const serin_vector_segment *segment = walk->segment;
    const size_t all = (segment->tree_count + 15) & ~(size_t)15;
    const uint8_t *lower = walk->blocks + (all << levels) * 2;
    uint32_t blocks[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    uint32_t leaves[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    uint64_t masks[SERIN_VECTOR_CHUNK / 4] __attribute__((aligned(64)));
    for (uint32_t first = 0; first < segment->tree_count; first += SERIN_VECTOR_CHUNK) {
        uint32_t left = segment->tree_count - first, count = left < SERIN_VECTOR_CHUNK ? left : SERIN_VECTOR_CHUNK;
        size_t padded = (count + 15) & ~15u;
        upper_blocks(walk, first, padded, blocks, levels, registers);
        for (size_t tree = 0; tree < padded; tree += 4)
            masks[tree / 4] = decide_blocks(walk->slots, lower, blocks + tree, registers);
        for (size_t tree = 0; tree < padded; tree += 16) {
            __m512i mask = _mm512_cvtepu16_epi32(_mm256_load_si256((const __m256i *)(masks + tree / 4)));
            __m512i base = _mm512_slli_epi32(_mm512_load_si512(blocks + tree), 4);
            __m512i place = _mm512_sub_epi32(walk16(mask, 4), _mm512_set1_epi32(16));
            _mm512_store_si512(leaves + tree, _mm512_add_epi32(base, place));
        }
        add_words(sums, (leaf_places){walk->leaves, 0, 0}, leaves, first, count);
    }
}

#endif
