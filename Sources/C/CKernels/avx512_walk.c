// One row through the segments of a forest with AVX-512, each by its scheme.
//
// There is one copy of every scheme for one, two and four registers of slots, and within it for each
// depth, so that their loops have constant bounds; which copy runs is decided once a segment.
#include "avx512_blocks.h"
#include "avx512_complete.h"
#include "avx512_doubling.h"
#include "avx512_linked.h"
#include "avx512_planes.h"

#if defined(__x86_64__)

AVX512_INLINE void walk_doublings(
    const vector_walk *walk, const row_sums *sums, int lanes, int registers, int has_categories) {
    switch (walk->segment->doublings) {
    case 0:
    case 1:
    case 2:
    case 3: walk_doubling(walk, sums, lanes, 3, registers, has_categories); break;
    case 4: walk_doubling(walk, sums, lanes, 4, registers, has_categories); break;
    case 5: walk_doubling(walk, sums, lanes, 5, registers, has_categories); break;
    default: walk_doubling(walk, sums, lanes, 6, registers, has_categories); break;
    }
}

AVX512_INLINE void walk_trees(const vector_walk *walk, const row_sums *sums, int registers, int has_categories) {
    const serin_vector_segment *segment = walk->segment;
    switch (segment->scheme) {
    case SERIN_SCHEME_COMPLETE:
        switch (segment->depth) {
        case 3: walk_complete(walk, sums, 3, registers, has_categories); break;
        case 4: walk_complete(walk, sums, 4, registers, has_categories); break;
        case 5: walk_complete(walk, sums, 5, registers, has_categories); break;
        default: walk_complete(walk, sums, 6, registers, has_categories); break;
        }
        break;
    case SERIN_SCHEME_BLOCKS:
        if (segment->depth == 7) walk_blocks(walk, sums, 3, registers);
        else walk_blocks(walk, sums, 4, registers);
        break;
    case SERIN_SCHEME_DOUBLING:
        if (segment->depth == 32) walk_doublings(walk, sums, 32, registers, has_categories);
        else walk_doublings(walk, sums, 64, registers, has_categories);
        break;
    case SERIN_SCHEME_PLANES: walk_planes(walk, sums, registers, has_categories); break;
    case SERIN_SCHEME_LINKED: walk_linked(walk, sums, 0, registers); break;
    }
}

AVX512_INLINE void walk_row(
    const serin_forest *forest, const uint8_t *state, void *sums, int registers, int has_words) {
    const int is_wide = forest->header->sum_width == SERIN_FLOAT64;
    const slot_bytes slots = load_slots(state, registers);
    for (uint64_t index = 0; index < forest->header->vector_segments.count; index++) {
        const serin_vector_segment *segment = forest->vector_segments + index;
        if (segment->scheme == SERIN_SCHEME_SCALAR) {
            serin_walk_segments(forest, segment->first_block, segment->block_count, state, 1, sums);
            continue;
        }
        const uint16_t *outputs = forest->tree_outputs;
        row_sums own = {.sums = sums, .outputs = outputs ? outputs + segment->first_tree : NULL, .is_wide = is_wide};
        vector_walk walk = {
            .slots = &slots,
            .segment = segment,
            .blocks = forest->vector_blocks + (size_t)segment->first_block * 64,
            .leaves = (const uint8_t *)forest->vector_leaves + (size_t)segment->first_leaf * (is_wide ? 8 : 4),
            .links = forest->vector_links + segment->first_link,
        };
        const int has_categories = segment->first_decision != SERIN_NO_DECISIONS;
        if (has_categories)
            walk.decisions = (const uint64_t *)(state + forest->decisions_at) + segment->first_decision;
        if (has_words) walk_linked(&walk, &own, 1, registers);
        // The commonest width has a copy without categories; the others look at every register.
        else if (registers == 1 && !has_categories) walk_trees(&walk, &own, registers, 0);
        else walk_trees(&walk, &own, registers, has_categories);
    }
}

#define DEFINE(NAME, REGISTERS, HAS_WORDS)                                                             \
    AVX512 static void NAME(const serin_forest *forest, const uint8_t *states, size_t rows, void *sums) { \
        const size_t bytes = forest->sum_bytes;                                                        \
        for (size_t row = 0; row < rows; row++)                                                        \
            walk_row(                                                                                  \
                forest, states + row * forest->row_bytes, (uint8_t *)sums + row * bytes, REGISTERS, HAS_WORDS); \
    }

DEFINE(walk_narrow, 1, 0)
DEFINE(walk_two, 2, 0)
DEFINE(walk_four, 4, 0)
DEFINE(walk_32_words, 1, 1)
DEFINE(walk_64_words, 2, 1)
DEFINE(walk_128_words, 4, 1)

void serin_walk_avx512(const serin_forest *forest, const uint8_t *states, size_t rows, void *sums) {
    switch (forest->header->word_slot_count) {
    case 32: walk_32_words(forest, states, rows, sums); return;
    case 64: walk_64_words(forest, states, rows, sums); return;
    case 128: walk_128_words(forest, states, rows, sums); return;
    }
    switch (forest->header->byte_slot_count) {
    case 64: walk_narrow(forest, states, rows, sums); break;
    case 128: walk_two(forest, states, rows, sums); break;
    default: walk_four(forest, states, rows, sums); break;
    }
}

AVX512 void serin_rank_avx512(const serin_forest *forest, const serin_row *row, uint8_t *state) {
    if (forest->header->word_slot_count) serin_words_avx512(forest, row, state);
    else serin_bytes_avx512(forest, row, state);
    if (forest->header->decision_words) serin_decide_categories(forest, row, state);
    if (forest->has_scalar_segments) serin_rank_scalar(forest, row, state);
}

#endif
