// Masks and trees for words of type WORD, WORDS × 64 rows at once; included once a width.
//
//     planes of a rank ──► masks of "rank > k" ──► planes of each tree's leaf index
//
// Masks from planes: the low four planes give the 16 answers "low > l", the high four "high > h"; then
// (rank > 16h + l) = (high > h) | (high = h) & (low > l), one instruction a mask.  Comparing bytes
// instead takes one a mask and 64 rows, eight times as many.

#define SELECT(WHERE, THIS, OTHER) ((OTHER) ^ (((OTHER) ^ (THIS)) & (WHERE)))

/// above[k]: where the number of `count` planes (lowest first) is above k, for all 2^count.
SERIN_INLINE void NAME(spread)(const WORD *planes, unsigned count, WORD *above) {
    above[0] = (WORD){};
    for (unsigned bit = 0; bit < count; bit++) {
        const WORD plane = planes[bit];
        const size_t half = (size_t)1 << bit;
        for (size_t k = 0; k < half; k++) {
            above[k + half] = plane & above[k];
            above[k] = plane | above[k];
        }
    }
}

/// A column's planes, words side by side.
SERIN_INLINE void NAME(load_planes)(const serin_slice_work *work, uint32_t column, WORD *planes) {
    const uint64_t *from = work->planes + (size_t)column * WORDS * SERIN_SLICE_LEVELS_MAX;
    for (int plane = 0; plane < SERIN_SLICE_LEVELS_MAX; plane++)
        for (int word = 0; word < WORDS; word++)
            ((uint64_t *)(planes + plane))[word] = from[word * SERIN_SLICE_LEVELS_MAX + plane];
}

/// The masks of every slot; slots ascend by column.
static void NAME(answer)(const serin_slice_work *work) {
    const serin_slices *slices = &work->forest->slices;
    WORD *masks = (WORD *)work->masks;
    masks[0] = (WORD){};
    uint32_t loaded = UINT32_MAX;
    WORD planes[SERIN_SLICE_LEVELS_MAX], low[16], above[16], equal[16], high[16];
    for (uint32_t s = 0; s < slices->slot_count; s++) {
        const serin_slice_slot *slot = slices->slots + s;
        const unsigned levels = slices->columns[slot->column].levels;
        const int highs = levels > 4 ? 1 << (levels - 4) : 1;
        if (slot->column != loaded) {
            NAME(load_planes)(work, slot->column, planes);
            NAME(spread)(planes, levels < 4 ? levels : 4, low);
            NAME(spread)(planes + 4, levels > 4 ? levels - 4 : 0, high);
            loaded = slot->column;
        }
        const WORD missing = ((const WORD *)work->missing)[slot->column];
        const WORD left = slot->missing == SERIN_SLICE_MISSING_LEFT ? missing : (WORD){};
        const WORD right = slot->missing == SERIN_SLICE_MISSING_RIGHT ? missing : (WORD){};
        WORD below = ~(WORD){};
        for (int h = 0; h < highs; h++) {
            above[h] = (high[h] & ~left) | right;
            equal[h] = below & ~high[h] & ~left;
            below = high[h];
        }
        const uint8_t *ranks = slices->ranks + slot->first_rank;
        WORD *to = masks + slot->first_mask;
        for (uint32_t i = 0; i < slot->mask_count; i++)
            to[i] = above[ranks[i] >> 4] | (equal[ranks[i] >> 4] & low[ranks[i] & 15]);
    }
}

// The planes of complete trees, highest first: a split chooses between the planes of its subtrees.
SERIN_INLINE void NAME(complete1)(const uint16_t *nodes, const WORD *masks, size_t node, WORD *planes) {
    planes[0] = masks[nodes[node]];
}

#define DEFINE_COMPLETE(BITS, BELOW)                                                                     \
    SERIN_INLINE void NAME(complete##BITS)(                                                              \
        const uint16_t *nodes, const WORD *masks, size_t node, WORD *planes) {                           \
        WORD left[BELOW], right[BELOW];                                                                  \
        const WORD where = masks[nodes[node]];                                                           \
        NAME(complete##BELOW)(nodes, masks, 2 * node, left);                                             \
        NAME(complete##BELOW)(nodes, masks, 2 * node + 1, right);                                        \
        planes[0] = where;                                                                               \
        _Pragma("clang loop unroll(full)") for (int plane = 0; plane < BELOW; plane++)                   \
            planes[plane + 1] = SELECT(where, right[plane], left[plane]);                                \
    }
DEFINE_COMPLETE(2, 1)
DEFINE_COMPLETE(3, 2)
DEFINE_COMPLETE(4, 3)
DEFINE_COMPLETE(5, 4)
DEFINE_COMPLETE(6, 5)
DEFINE_COMPLETE(7, 6)
DEFINE_COMPLETE(8, 7)
#undef DEFINE_COMPLETE

// Leaves: the union of the rows that reach any of 2^BITS of them, and the planes of which.
SERIN_INLINE WORD NAME(union1)(const uint16_t *leaves, const WORD *sources, WORD *planes) {
    planes[0] = sources[leaves[1]];
    return sources[leaves[0]] | planes[0];
}

#define DEFINE_UNION(BITS, BELOW)                                                                        \
    SERIN_INLINE WORD NAME(union##BITS)(const uint16_t *leaves, const WORD *sources, WORD *planes) {     \
        WORD left[BELOW], right[BELOW];                                                                  \
        const WORD first = NAME(union##BELOW)(leaves, sources, left);                                    \
        planes[0] = NAME(union##BELOW)(leaves + (1 << BELOW), sources, right);                           \
        _Pragma("clang loop unroll(full)") for (int plane = 0; plane < BELOW; plane++)                   \
            planes[plane + 1] = left[plane] | right[plane];                                              \
        return first | planes[0];                                                                        \
    }
DEFINE_UNION(2, 1)
DEFINE_UNION(3, 2)
DEFINE_UNION(4, 3)
DEFINE_UNION(5, 4)
DEFINE_UNION(6, 5)
DEFINE_UNION(7, 6)
DEFINE_UNION(8, 7)
#undef DEFINE_UNION

/// The rows that reach each split's sides; gives the leaves' sources.
SERIN_INLINE const uint16_t *NAME(reach)(const serin_slice_work *work, const uint16_t *nodes) {
    const WORD *masks = (const WORD *)work->masks;
    WORD *sources = (WORD *)work->sources;
    const size_t splits = *nodes++;
    WORD *to = sources + 2;
    for (size_t split = 0; split < splits; split++, nodes += 2, to += 2) {
        const WORD right = masks[nodes[0]];
        const WORD here = sources[nodes[1]];
        to[0] = here & ~right;
        to[1] = here & right;
    }
    return nodes;
}

/// Leaf indices of the trees `first` ..< `first + count` of a segment, for every kind and size.
static void NAME(index_trees)(
    const serin_slice_work *work, const serin_slice_segment *segment, uint32_t first, uint32_t count) {
    const WORD *masks = (const WORD *)work->masks;
    const serin_slices *slices = &work->forest->slices;
    for (uint32_t tree = 0; tree < count; tree++) {
        WORD planes[SERIN_SLICE_BITS_MAX];
        uint8_t *indices = work->indices + (size_t)tree * SERIN_SLICE_ROWS * WORDS;
#define CASE(BITS)                                                                                       \
    case BITS:                                                                                           \
        if (segment->kind == SERIN_SLICE_COMPLETE) {                                                     \
            const uint16_t *own = slices->nodes + segment->first_node + ((size_t)(first + tree) << BITS); \
            NAME(complete##BITS)(own, masks, 1, planes);                                                 \
        } else if (segment->kind == SERIN_SLICE_OBLIVIOUS) {                                             \
            const uint16_t *own = slices->nodes + segment->first_node + (size_t)(first + tree) * BITS;   \
            for (int plane = 0; plane < BITS; plane++) planes[plane] = masks[own[plane]];                \
        } else {                                                                                         \
            const uint16_t *own = slices->nodes + slices->starts[segment->first_node + first + tree];    \
            NAME(union##BITS)(NAME(reach)(work, own), (const WORD *)work->sources, planes);              \
        }                                                                                                \
        NAME(turn)(planes, BITS, indices);                                                               \
        break
        switch (segment->bits) {
            CASE(1);
            CASE(2);
            CASE(3);
            CASE(4);
            CASE(5);
            CASE(6);
            CASE(7);
            CASE(8);
        }
#undef CASE
    }
}

/// All trees, from the planes to the sums.
static void NAME(score)(const serin_slice_work *work) {
    const serin_slices *slices = &work->forest->slices;
    const size_t size = work->forest->header->sum_width == SERIN_FLOAT32 ? 4 : 8;
    NAME(answer)(work);
    ((WORD *)work->sources)[0] = (WORD){};
    ((WORD *)work->sources)[1] = ~(WORD){};
    for (uint32_t s = 0; s < slices->segment_count; s++) {
        const serin_slice_segment *segment = slices->segments + s;
        const size_t table = (segment->bits <= 6 ? 64 : (size_t)1 << segment->bits) * size;
        for (uint32_t first = 0; first < segment->tree_count; first += SERIN_SLICE_TREES) {
            uint32_t count = segment->tree_count - first;
            if (count > SERIN_SLICE_TREES) count = SERIN_SLICE_TREES;
            NAME(index_trees)(work, segment, first, count);
            add_leaves(work, segment, first, count, slices->leaves + segment->first_leaf + first * table);
        }
    }
}

#undef SELECT
