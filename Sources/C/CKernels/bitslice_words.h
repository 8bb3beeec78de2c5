// Masks and trees for words of type WORD, WORDS × 64 rows at once; included once a width.  Trees work
// in registers of type PLANE, which FETCH(from, index) fills with a word; KEEP(value) keeps the compiler from
// joining the stores of two words.
//
//     planes of a rank ──► masks of "rank > k" ──► planes of each tree's leaf index
//
// Masks from planes: the low four planes give the 16 answers "low > l", the high four "high > h"; then
// (rank > 16h + l) = (high > h) | (high = h) & (low > l), one instruction a mask.  Comparing bytes
// instead takes one a mask and 64 rows, eight times as many.

/// Sources of a linked tree.
#define SOURCES(WORK) (2 * (size_t)(WORK)->forest->slices.split_count + 2)
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

/// A column's answers to all ranks, in two parts: rank > 16h + l where above[h] | (equal[h] & low[l]).
typedef struct {
    WORD low[16], above[16], equal[16];
    /// Different h.
    uint32_t highs;
} NAME(answers);

/// The answers of a column with missing values on neither side.
static void NAME(answer_column)(const serin_slice_work *work, uint32_t c, NAME(answers) *answers) {
    const unsigned levels = work->forest->slices.columns[c].levels;
    WORD planes[SERIN_SLICE_LEVELS_MAX];
    NAME(load_planes)(work, c, planes);
    NAME(spread)(planes, levels < 4 ? levels : 4, answers->low);
    NAME(spread)(planes + 4, levels > 4 ? levels - 4 : 0, answers->above);
    answers->highs = levels > 4 ? 1 << (levels - 4) : 1;
    WORD below = ~(WORD){};
    for (uint32_t h = 0; h < answers->highs; h++) {
        answers->equal[h] = below & ~answers->above[h];
        below = answers->above[h];
    }
}

#if WORDS == 1
/// The masks of every slot; slots ascend by column.  All answers of a column are made side by side, eight or
/// four in an instruction, and those that are asked for picked out.
static void NAME(answer)(const serin_slice_work *work) {
    const serin_slices *slices = &work->forest->slices;
    NAME(answers) answers;
    WORD all[1 << SERIN_SLICE_LEVELS_MAX];
    uint32_t loaded = UINT32_MAX;
    work->masks[0] = 0;
    for (uint32_t s = 0; s < slices->slot_count; s++) {
        const serin_slice_slot *slot = slices->slots + s;
        if (slot->column != loaded) {
            loaded = slot->column;
            NAME(answer_column)(work, loaded, &answers);
            for (uint32_t h = 0; h < answers.highs; h++)
#pragma clang loop vectorize(enable)
                for (uint32_t l = 0; l < 16; l++)
                    all[16 * h + l] = answers.above[h] | (answers.equal[h] & answers.low[l]);
        }
        const WORD missing = work->missing[slot->column];
        const WORD left = slot->missing == SERIN_SLICE_MISSING_LEFT ? missing : 0;
        const WORD right = slot->missing == SERIN_SLICE_MISSING_RIGHT ? missing : 0;
        const uint8_t *ranks = slices->ranks + slot->first_rank;
        WORD *to = work->masks + slot->first_mask;
        for (uint32_t i = 0; i < slot->mask_count; i++) to[i] = (all[ranks[i]] & ~left) | right;
    }
}
#else
/// The masks of every slot; slots ascend by column.
static void NAME(answer)(const serin_slice_work *work) {
    const serin_slices *slices = &work->forest->slices;
    WORD *masks = (WORD *)work->masks;
    NAME(answers) plain, own;
    uint32_t loaded = UINT32_MAX;
    masks[0] = (WORD){};
    for (uint32_t s = 0; s < slices->slot_count; s++) {
        const serin_slice_slot *slot = slices->slots + s;
        if (slot->column != loaded) NAME(answer_column)(work, slot->column, &plain);
        loaded = slot->column;
        const WORD missing = ((const WORD *)work->missing)[slot->column];
        const WORD left = slot->missing == SERIN_SLICE_MISSING_LEFT ? missing : (WORD){};
        const WORD right = slot->missing == SERIN_SLICE_MISSING_RIGHT ? missing : (WORD){};
        for (uint32_t h = 0; h < plain.highs; h++) {
            own.above[h] = (plain.above[h] & ~left) | right;
            own.equal[h] = plain.equal[h] & ~left;
        }
        const uint8_t *ranks = slices->ranks + slot->first_rank;
        WORD *to = masks + slot->first_mask;
        for (uint32_t i = 0; i < slot->mask_count; i++)
            to[i] = own.above[ranks[i] >> 4] | (own.equal[ranks[i] >> 4] & plain.low[ranks[i] & 15]);
    }
}
#endif

// The planes of complete trees, highest first: a split chooses between the planes of its subtrees.
SERIN_INLINE void NAME(complete1)(const uint16_t *nodes, const WORD *masks, size_t node, PLANE *planes) {
    planes[0] = FETCH(masks, nodes[node]);
}

#define DEFINE_COMPLETE(BITS, BELOW)                                                                     \
    SERIN_INLINE void NAME(complete##BITS)(                                                              \
        const uint16_t *nodes, const WORD *masks, size_t node, PLANE *planes) {                           \
        PLANE left[BELOW], right[BELOW];                                                                  \
        const PLANE where = FETCH(masks, nodes[node]);                                                           \
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
SERIN_INLINE PLANE NAME(union1)(const uint16_t *leaves, const WORD *sources, PLANE *planes) {
    planes[0] = FETCH(sources, leaves[1]);
    return FETCH(sources, leaves[0]) | planes[0];
}

#define DEFINE_UNION(BITS, BELOW)                                                                        \
    SERIN_INLINE PLANE NAME(union##BITS)(const uint16_t *leaves, const WORD *sources, PLANE *planes) {     \
        PLANE left[BELOW], right[BELOW];                                                                  \
        const PLANE first = NAME(union##BELOW)(leaves, sources, left);                                    \
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

/// The rows that go to each side of a linked tree's split.
SERIN_INLINE void NAME(reach)(const WORD *masks, WORD *sources, const uint16_t *splits, size_t split) {
    const WORD right = masks[splits[2 * split]], here = sources[splits[2 * split + 1]];
    WORD goes_left = here & ~right, goes_right = here & right;
    KEEP(goes_left);
    KEEP(goes_right);
    sources[2 * split + 2] = goes_left;
    sources[2 * split + 3] = goes_right;
}

/// A linked tree of a segment: the count of its splits, then they.
SERIN_INLINE const uint16_t *NAME(linked_tree)(
    const serin_slice_work *work, const serin_slice_segment *segment, uint32_t tree) {
    const serin_slices *slices = &work->forest->slices;
    return slices->nodes + slices->starts[segment->first_node + tree];
}

/// The sources of linked tree `tree`, and of the next if there are two left, split by split in turn: a split
/// needs what its own tree has just stored, and the other gives it time.
static void NAME(reach_two)(
    const serin_slice_work *work, const serin_slice_segment *segment, uint32_t tree, uint32_t left) {
    const WORD *masks = (const WORD *)work->masks;
    WORD *sources = (WORD *)work->sources, *others = sources + SOURCES(work);
    const uint16_t *own = NAME(linked_tree)(work, segment, tree);
    const uint16_t *other = left > 1 ? NAME(linked_tree)(work, segment, tree + 1) : own;
    const size_t count = own[0], both = left > 1 ? (count < other[0] ? count : other[0]) : 0;
    for (size_t split = 0; split < both; split++) {
        NAME(reach)(masks, sources, own + 1, split);
        NAME(reach)(masks, others, other + 1, split);
    }
    for (size_t split = both; split < count; split++) NAME(reach)(masks, sources, own + 1, split);
    for (size_t split = both; left > 1 && split < other[0]; split++) NAME(reach)(masks, others, other + 1, split);
}

SERIN_INLINE void NAME(oblivious)(const uint16_t *nodes, const WORD *masks, unsigned bits, PLANE *planes) {
#pragma clang loop unroll(full)
    for (unsigned plane = 0; plane < bits; plane++) planes[plane] = FETCH(masks, nodes[plane]);
}

/// Leaf indices of the trees `first` ..< `first + count` of a segment, for every kind and size.
static void NAME(index_trees)(
    const serin_slice_work *work, const serin_slice_segment *segment, uint32_t first, uint32_t count) {
    const WORD *masks = (const WORD *)work->masks;
    const uint16_t *nodes = work->forest->slices.nodes + segment->first_node;
    for (uint32_t i = 0; i < count; i++) {
        const size_t tree = first + i;
        const WORD *sources = (const WORD *)work->sources + i % 2 * SOURCES(work);
        const uint16_t *leaves = NULL;
        PLANE planes[SERIN_SLICE_BITS_MAX];
        uint8_t *indices = work->indices + (size_t)i * SERIN_SLICE_ROWS * WORDS;
        if (segment->kind == SERIN_SLICE_LINKED) {
            if (i % 2 == 0) NAME(reach_two)(work, segment, first + i, count - i);
            leaves = NAME(linked_tree)(work, segment, first + i);
            leaves += 1 + 2 * leaves[0];
        }
#define CASE(BITS)                                                               \
    case BITS:                                                                   \
        if (leaves)                                                              \
            NAME(union##BITS)(leaves, sources, planes);                          \
        else if (segment->kind == SERIN_SLICE_COMPLETE)                          \
            NAME(complete##BITS)(nodes + (tree << BITS), masks, 1, planes);      \
        else                                                                     \
            NAME(oblivious)(nodes + tree * BITS, masks, BITS, planes);           \
        NAME(turn)(planes, BITS, indices);                                       \
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
    for (int tree = 0; tree < 2; tree++) {
        WORD *sources = (WORD *)work->sources + tree * SOURCES(work);
        sources[0] = (WORD){};
        sources[1] = ~(WORD){};
    }
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

#undef SOURCES
#undef SELECT
