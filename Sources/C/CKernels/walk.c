// The scalar walk: every tree from its root to a leaf, without a branch on the data.
//
// A walk is a chain of loads that wait for each other, so eight trees go side by side and their
// chains overlap.  Trees keep the trainer's order, and each leaf is added as its group ends: the
// sums come out in the trainer's order with nothing stored in between.  A batch takes the trees in
// blocks that fit the first-level cache, all rows against one block before the next.
#include "kernels.h"
#include "step.h"

/// Eight complete trees of `depth` levels, one step a level for all of them.
SERIN_INLINE void walk_heap_group(
    const serin_heap_node *nodes, const uint16_t *ranks, unsigned depth, size_t place[SERIN_GROUP]) {
    for (int tree = 0; tree < SERIN_GROUP; tree++) place[tree] = 1;
    for (unsigned level = 0; level < depth; level++) {
#pragma clang loop unroll(full)
        for (int tree = 0; tree < SERIN_GROUP; tree++) {
            serin_heap_node node = nodes[((size_t)tree << depth) + place[tree]];
            place[tree] = step_rank(place[tree], ranks + (node & 0xffff), node >> 16);
        }
    }
}

SERIN_INLINE uint32_t step_linked(const serin_linked_node *nodes, const uint16_t *ranks, uint32_t place) {
    serin_linked_node node = nodes[place];
    return node.left + (ranks[node.slot] > node.rank);
}

/// Eight linked trees until all of them rest on a leaf; looks whether they do every fourth step.
SERIN_INLINE void walk_linked_group(
    const serin_linked_node *nodes, const uint16_t *ranks, const serin_linked_group *group,
    size_t place[SERIN_GROUP]) {
    uint32_t own[SERIN_GROUP];
    for (int tree = 0; tree < SERIN_GROUP; tree++) own[tree] = group->roots[tree];
    for (uint32_t level = 0; level < group->depth; level += 4) {
#pragma clang loop unroll(disable)
        for (int step = 0; step < 3; step++) {
#pragma clang loop unroll(full)
            for (int tree = 0; tree < SERIN_GROUP; tree++) own[tree] = step_linked(nodes, ranks, own[tree]);
        }
        uint32_t moved = 0;
#pragma clang loop unroll(full)
        for (int tree = 0; tree < SERIN_GROUP; tree++) {
            uint32_t next = step_linked(nodes, ranks, own[tree]);
            moved |= next ^ own[tree];
            own[tree] = next;
        }
        if (moved == 0) break;
    }
    for (int tree = 0; tree < SERIN_GROUP; tree++) place[tree] = own[tree];
}

/// What the leaf at `place` answers: its function of the row, or `own` where it has none.
static inline double linear_value(const serin_forest *forest, size_t place, const double *values, double own) {
    uint32_t number = forest->linear_of[place];
    if (number == 0) return own;
    const serin_linear_leaf *leaf = forest->linear_leaves + number - 1;
    double sum = leaf->constant;
    for (uint32_t index = 0; index < leaf->term_count; index++) {
        const serin_linear_term *term = forest->linear_terms + leaf->first_term + index;
        double value = values[term->feature];
        if (value != value) return own;
        sum += term->coefficient * value;
    }
    return sum;
}

// One copy for float leaves, one for double.
#define LEAF float
#define NAMED(NAME) NAME##_float
#include "walk_width.h"
#undef LEAF
#undef NAMED

#define LEAF double
#define NAMED(NAME) NAME##_double
#include "walk_width.h"
#undef LEAF
#undef NAMED

void serin_walk_segments(
    const serin_forest *forest, size_t first, size_t count, const uint8_t *states, size_t rows, void *sums) {
    const uint16_t *ranks = (const uint16_t *)(states + forest->ranks_at);
    const serin_segment *segments = forest->segments + first;
    if (forest->header->sum_width == SERIN_FLOAT32)
        walk_float(forest, segments, count, ranks, rows, sums);
    else
        walk_double(forest, segments, count, ranks, rows, sums);
}

void serin_walk_scalar(const serin_forest *forest, const uint8_t *states, size_t rows, void *sums) {
    serin_walk_segments(forest, 0, forest->header->segments.count, states, rows, sums);
}
