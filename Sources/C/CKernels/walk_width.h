// The walk for leaves of type LEAF; walk.c includes it twice.

/// Adds a group's leaves, in order.
SERIN_INLINE void NAMED(add)(
    const LEAF leaves[SERIN_GROUP], uint32_t count, const uint16_t *outputs, LEAF *restrict sums) {
    if (outputs) {
        for (uint32_t tree = 0; tree < count; tree++) sums[outputs[tree]] += leaves[tree];
        return;
    }
    LEAF sum = sums[0];
    if (count == SERIN_GROUP) {
#pragma clang loop unroll(full)
        for (int tree = 0; tree < SERIN_GROUP; tree++) sum += leaves[tree];
    } else {
        for (uint32_t tree = 0; tree < count; tree++) sum += leaves[tree];
    }
    sums[0] = sum;
}

/// Groups `first` ..< `last` of a segment of complete trees, for one row.
SERIN_INLINE void NAMED(walk_heap)(
    const serin_forest *forest, const serin_segment *segment, uint32_t first, uint32_t last, const uint16_t *ranks,
    LEAF *sums, unsigned depth) {
    const size_t group_size = (size_t)SERIN_GROUP << depth;
    const serin_heap_node *nodes = forest->heap_nodes + segment->first_node + first * group_size;
    const LEAF *leaves = (const LEAF *)forest->heap_leaves + segment->first_node + first * group_size;
    const uint16_t *outputs = forest->tree_outputs;
    if (outputs) outputs += segment->first_tree + (size_t)first * SERIN_GROUP;
    for (uint32_t group = first; group < last; group++) {
        size_t place[SERIN_GROUP];
        LEAF found[SERIN_GROUP];
        walk_heap_group(nodes, ranks, depth, place);
#pragma clang loop unroll(full)
        for (int tree = 0; tree < SERIN_GROUP; tree++)
            found[tree] = leaves[((size_t)tree << depth) + place[tree] - ((size_t)1 << depth)];
        uint32_t left = segment->tree_count - group * SERIN_GROUP;
        NAMED(add)(found, left < SERIN_GROUP ? left : SERIN_GROUP, outputs, sums);
        nodes += group_size;
        leaves += group_size;
        if (outputs) outputs += SERIN_GROUP;
    }
}

/// The same for linked trees.
SERIN_INLINE void NAMED(walk_linked)(
    const serin_forest *forest, const serin_segment *segment, uint32_t first, uint32_t last, const uint16_t *ranks,
    LEAF *sums) {
    const LEAF *leaves = forest->linked_leaves;
    for (uint32_t group = first; group < last; group++) {
        size_t place[SERIN_GROUP];
        LEAF found[SERIN_GROUP];
        walk_linked_group(forest->linked_nodes, ranks, forest->linked_groups + segment->first_node + group, place);
        for (int tree = 0; tree < SERIN_GROUP; tree++) found[tree] = leaves[place[tree]];
        uint32_t left = segment->tree_count - group * SERIN_GROUP;
        const uint16_t *outputs = forest->tree_outputs;
        if (outputs) outputs += segment->first_tree + (size_t)group * SERIN_GROUP;
        NAMED(add)(found, left < SERIN_GROUP ? left : SERIN_GROUP, outputs, sums);
    }
}

/// Linked trees whose leaves may be linear functions of the row.
static void NAMED(walk_linear)(
    const serin_forest *forest, const serin_segment *segment, uint32_t first, uint32_t last, const uint16_t *ranks,
    LEAF *sums) {
    const LEAF *leaves = forest->linked_leaves;
    const double *values = (const double *)((const uint8_t *)ranks + (forest->values_at - forest->ranks_at));
    for (uint32_t group = first; group < last; group++) {
        size_t place[SERIN_GROUP];
        LEAF found[SERIN_GROUP];
        walk_linked_group(forest->linked_nodes, ranks, forest->linked_groups + segment->first_node + group, place);
        for (int tree = 0; tree < SERIN_GROUP; tree++)
            found[tree] = (LEAF)linear_value(forest, place[tree], values, (double)leaves[place[tree]]);
        uint32_t left = segment->tree_count - group * SERIN_GROUP;
        const uint16_t *outputs = forest->tree_outputs;
        if (outputs) outputs += segment->first_tree + (size_t)group * SERIN_GROUP;
        NAMED(add)(found, left < SERIN_GROUP ? left : SERIN_GROUP, outputs, sums);
    }
}

/// All rows against one block; a switch makes the depth a constant of the loop.
static void NAMED(walk_block)(
    const serin_forest *forest, const serin_segment *segment, uint32_t first, uint32_t last, const uint16_t *ranks,
    size_t rows, LEAF *sums) {
    const size_t slots = forest->row_bytes / sizeof(uint16_t);
    const size_t outputs = forest->header->output_count;
#define ROWS(CALL)                                                  \
    for (size_t row = 0; row < rows; row++) {                       \
        const uint16_t *own = ranks + row * slots;                  \
        LEAF *sum = sums + row * outputs;                           \
        CALL;                                                       \
    }                                                               \
    break
#define DEPTH(N) \
    case N: ROWS(NAMED(walk_heap)(forest, segment, first, last, own, sum, N))
    if (segment->kind == SERIN_SEGMENT_LINKED) {
        do {
            ROWS(NAMED(walk_linked)(forest, segment, first, last, own, sum));
        } while (0);
        return;
    }
    if (segment->kind == SERIN_SEGMENT_LINEAR) {
        do {
            ROWS(NAMED(walk_linear)(forest, segment, first, last, own, sum));
        } while (0);
        return;
    }
    switch (segment->depth) {
        DEPTH(0);
        DEPTH(1);
        DEPTH(2);
        DEPTH(3);
        DEPTH(4);
        DEPTH(5);
        DEPTH(6);
        DEPTH(7);
        DEPTH(8);
        DEPTH(9);
        DEPTH(10);
    }
#undef DEPTH
#undef ROWS
}

static void NAMED(walk)(
    const serin_forest *forest, const serin_segment *segments, size_t count, const uint16_t *ranks, size_t rows,
    void *sums) {
    for (size_t index = 0; index < count; index++) {
        const serin_segment *segment = segments + index;
        uint32_t groups = (segment->tree_count + SERIN_GROUP - 1) / SERIN_GROUP;
        uint32_t step = rows == 1 ? groups : segment->groups_per_block;
        for (uint32_t first = 0; first < groups; first += step) {
            uint32_t last = groups - first < step ? groups : first + step;
            NAMED(walk_block)(forest, segment, first, last, ranks, rows, sums);
        }
    }
}
