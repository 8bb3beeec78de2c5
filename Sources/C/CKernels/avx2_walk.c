// One row through the segments of a forest with AVX2, each by its scheme; see avx512_walk.c.
//
// Only forests of 64 or 128 byte slots: looking up 256 takes longer than the scalar walk's loads, and
// sixteen-bit words have no look-up at all.
#include "avx2_complete.h"
#include "avx2_linked.h"
#include "avx2_paths.h"
#include "avx2_planes.h"
#include "avx2_pointers.h"

#if defined(__x86_64__)

AVX2_INLINE void walk_trees(const vector_walk *walk, const row_sums *sums, int registers, int has_categories) {
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
        if (segment->depth == 32) walk_paths(walk, sums, registers, has_categories);
        else walk_pointers(walk, sums, registers, has_categories);
        break;
    case SERIN_SCHEME_PLANES: walk_planes(walk, sums, registers, has_categories); break;
    case SERIN_SCHEME_LINKED: walk_linked(walk, sums, registers); break;
    }
}

AVX2_INLINE void walk_row(const serin_forest *forest, const uint8_t *state, void *sums, int registers) {
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
            .paths = forest->vector_paths + (size_t)segment->first_path * 64,
        };
        const int has_categories = segment->first_decision != SERIN_NO_DECISIONS;
        if (has_categories)
            walk.decisions = (const uint64_t *)(state + forest->decisions_at) + segment->first_decision;
        // The commonest width has a copy without categories; the other looks at every register.
        if (registers == 1 && !has_categories) walk_trees(&walk, &own, registers, 0);
        else walk_trees(&walk, &own, registers, has_categories);
    }
}

AVX2 void serin_walk_avx2(const serin_forest *forest, const uint8_t *states, size_t rows, void *sums) {
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *state = states + row * forest->row_bytes;
        void *own = (uint8_t *)sums + row * forest->sum_bytes;
        if (forest->header->byte_slot_count == 64) walk_row(forest, state, own, 1);
        else walk_row(forest, state, own, 2);
    }
}

AVX2 void serin_rank_avx2(const serin_forest *forest, const serin_row *row, uint8_t *state) {
    serin_bytes_avx2(forest, row, state);
    if (forest->header->decision_words) serin_decide_categories(forest, row, state);
    if (forest->has_scalar_segments) serin_rank_scalar(forest, row, state);
}

#endif
