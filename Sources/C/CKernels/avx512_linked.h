// Trees of any depth: blocks of four levels (byte slots) or five (word slots), linked.
//
//     block    the levels below a node as a complete tree: 16 slots and 16 ranks of a byte each, four
//              blocks a register; or 32 slots of a byte and 32 ranks of two, one block a register
//     link     which of the places below the block's last level are one child: a bit where another
//              child begins, so child number = base + bits up to the place
//
// All trees of a chunk take one block a step.  A tree that has reached its leaf stays there; a leaf
// beside blocks has a block of its own that asks nothing.  Links instead of a child for each place
// keep the hot part small: a forest of 200 trees of depth 10 has 600 KB of blocks and 50 KB of links
// where its children would be 800 KB.
#pragma once

#include "avx512_walk.h"

#if defined(__x86_64__)

/// Slot words: 32 of them a register, looked up by indices of 16 bits.
AVX512_INLINE __m512i look_up_words(const slot_bytes *slots, __m512i index, int registers) {
    if (registers == 1) return _mm512_permutexvar_epi16(index, slots->part[0]);
    __m512i low = _mm512_permutex2var_epi16(slots->part[0], index, slots->part[1]);
    if (registers == 2) return low;
    __m512i high = _mm512_permutex2var_epi16(slots->part[2], index, slots->part[3]);
    return _mm512_mask_mov_epi16(low, _mm512_test_epi16_mask(index, _mm512_set1_epi16(64)), high);
}

/// 32 decisions of a block of 96 bytes.
AVX512_INLINE uint32_t decide_words(const slot_bytes *slots, const uint8_t *block, int registers) {
    __m512i index = _mm512_cvtepu8_epi16(_mm256_load_si256((const __m256i *)block));
    return _mm512_cmpgt_epu16_mask(look_up_words(slots, index, registers), _mm512_loadu_si512(block + 32));
}

/// For each tree of a chunk: where it is (a block, or a leaf's number behind the blocks), the block to
/// decide (0 once it has a leaf), and that block's link and decisions.
typedef struct {
    uint32_t current[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    uint32_t blocks[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    serin_link links[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    uint32_t masks[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
} linked_walk;

/// The decisions of one block for each of `count` trees, and their links side by side.
AVX512_INLINE void decide_step(
    const vector_walk *walk, linked_walk *own, size_t count, int has_words, int registers) {
    if (has_words) {
        for (size_t tree = 0; tree < count; tree++) {
            size_t block = own->blocks[tree];
            own->links[tree] = walk->links[block];
            own->masks[tree] = decide_words(walk->slots, walk->blocks + block * 96, registers);
        }
        return;
    }
    for (size_t tree = 0; tree < count; tree += 4) {
#pragma clang loop unroll(full)
        for (size_t lane = 0; lane < 4; lane++) own->links[tree + lane] = walk->links[own->blocks[tree + lane]];
        ((uint64_t *)own->masks)[tree / 4] = decide_blocks(walk->slots, walk->blocks, own->blocks + tree, registers);
    }
}

/// Walks sixteen blocks by their decisions and follows their links.
AVX512_INLINE void follow_links(linked_walk *own, size_t tree, uint32_t block_count, int has_words) {
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    __m512i mask = has_words
        ? _mm512_load_si512(own->masks + tree)
        : _mm512_cvtepu16_epi32(_mm256_load_si256((const __m256i *)((const uint16_t *)own->masks + tree)));
    __m512i place = walk16(mask, has_words ? 5 : 4);
    // The walk's places begin at 16 or 32.
    place = _mm512_and_si512(place, _mm512_set1_epi32(has_words ? 31 : 15));
    __m512i behind = _mm512_sllv_epi32(_mm512_set1_epi32(-2), place);
    __m512i first = _mm512_load_si512(own->links + tree), second = _mm512_load_si512(own->links + tree + 8);
    __m512i base = _mm512_permutex2var_epi32(first, even, second);
    __m512i boundaries = _mm512_permutex2var_epi32(
        first, _mm512_or_si512(even, _mm512_set1_epi32(1)), second);
    __m512i child = _mm512_add_epi32(base, _mm512_popcnt_epi32(_mm512_andnot_si512(behind, boundaries)));
    __m512i old = _mm512_load_si512(own->current + tree);
    const __m512i limit = _mm512_set1_epi32((int)block_count);
    __m512i current = _mm512_mask_mov_epi32(old, _mm512_cmplt_epu32_mask(old, limit), child);
    _mm512_store_si512(own->current + tree, current);
    _mm512_store_si512(own->blocks + tree, _mm512_maskz_mov_epi32(_mm512_cmplt_epu32_mask(current, limit), current));
}

/// Leaves, counted from the segment's first; leaf 0 for a tree that has not come to one.
AVX512_INLINE void linked_leaves(linked_walk *own, size_t count, uint32_t block_count) {
    const __m512i limit = _mm512_set1_epi32((int)block_count);
    for (size_t tree = 0; tree < count; tree += 16) {
        __m512i current = _mm512_load_si512(own->current + tree);
        __mmask16 arrived = _mm512_cmpge_epu32_mask(current, limit);
        _mm512_store_si512(own->current + tree, _mm512_maskz_sub_epi32(arrived, current, limit));
    }
}

AVX512_INLINE void walk_linked(const vector_walk *walk, const row_sums *sums, int has_words, int registers) {
    const serin_vector_segment *segment = walk->segment;
    linked_walk own;
    for (uint32_t first = 0; first < segment->tree_count; first += SERIN_VECTOR_CHUNK) {
        uint32_t left = segment->tree_count - first, count = left < SERIN_VECTOR_CHUNK ? left : SERIN_VECTOR_CHUNK;
        size_t padded = (count + 15) & ~15u;
        // Block t is the root of tree t.
        for (uint32_t tree = 0; tree < padded; tree++) own.current[tree] = own.blocks[tree] = first + tree;
        for (uint32_t step = 0; step < segment->depth; step++) {
            decide_step(walk, &own, padded, has_words, registers);
            for (size_t tree = 0; tree < padded; tree += 16)
                follow_links(&own, tree, segment->link_count, has_words);
        }
        linked_leaves(&own, padded, segment->link_count);
        add_words(sums, (leaf_places){walk->leaves, 0, 0}, own.current, first, count);
    }
}

#endif
