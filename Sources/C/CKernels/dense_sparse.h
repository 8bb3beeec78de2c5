// Rows of a wide dense layer that have many zeros, as a rectifier leaves them: zeros are not multiplied.
//
// Every row has its own zeros, so a weight that is loaded meets one row only, and loads are what bounds it.
// The weights of a block of inputs for one panel stay in the first-level cache while all rows of a group meet
// them.  What is not 0 is listed before, by blocks of inputs:
//
//     list of a row and block:  values | 0.3 | 1.7 | 0.2 | … |   places | 2 × 256 | 3 × 256 | 7 × 256 | … |  (bytes)
//
// Four entries take two loads.  Rows with nearly as many entries go together, as many as registers hold sums
// for; a shorter list ends in zeros of its own row (which change no sum: the product is one that the dense
// layer adds too).  An output's sum has the order of its inputs, as everywhere.
//
// Besides what dense_number.h wants: SPARSE_TOGETHER (rows), NAME(list) (how values that are not 0 are found),
// NAME(four), NAME(load_four) and NAME(spread) (four values, and one of them in all lanes), and where rows go
// together, sparse_order.

/// Rows of a group, inputs of a block, and entries of all lists.
#define SPARSE_ROWS 32
#define SPARSE_BLOCK 128
#define SPARSE_ENTRIES 16384
#define SPARSE_LISTS (SPARSE_ENTRIES / SPARSE_BLOCK)
/// From one input's weights of a panel to the next one's.
#define SPARSE_STEP 256

/// A group of rows, and its lists: [block][row].
typedef struct {
    const NUMBER *x;
    size_t rows, inputs, blocks;
    /// The entries of each list; which rows go together: those that come one after the other.
    uint8_t counts[SPARSE_LISTS], order[SPARSE_LISTS];
    NUMBER values[SPARSE_ENTRIES];
    uint16_t places[SPARSE_ENTRIES];
} NAME(sparse_group);

#if SPARSE_TOGETHER > 1
/// Makes lists that go together equally long.
SERIN_INLINE void NAME(sparse_fill)(NAME(sparse_group) *group, size_t block) {
    const size_t first = block * group->rows;
    const NUMBER *x = group->x + block * SPARSE_BLOCK;
    for (size_t i = first; i + SPARSE_TOGETHER <= first + group->rows; i += SPARSE_TOGETHER) {
        const size_t most = group->counts[first + group->order[i + SPARSE_TOGETHER - 1]];
        for (size_t k = i; k < i + SPARSE_TOGETHER - 1; k++) {
            const size_t row = group->order[k], list = (first + row) * SPARSE_BLOCK;
            size_t count = group->counts[first + row], zero = 0;
            if (count == most) continue;
            while (x[row * group->inputs + zero] != 0) zero++;
            for (; count < most; count++) {
                group->values[list + count] = 0;
                group->places[list + count] = (uint16_t)(zero * SPARSE_STEP);
            }
        }
    }
}
#endif

/// Lists what is not 0 of the rows; their count.
static size_t NAME(sparse_find)(NAME(sparse_group) *group) {
    size_t found = 0;
    for (size_t block = 0; block < group->blocks; block++) {
        const size_t start = block * SPARSE_BLOCK, left = group->inputs - start, first = block * group->rows;
        for (size_t row = 0; row < group->rows; row++) {
            const size_t list = (first + row) * SPARSE_BLOCK;
            const size_t count = NAME(list)(
                group->x + row * group->inputs + start, left < SPARSE_BLOCK ? left : SPARSE_BLOCK,
                group->values + list, group->places + list);
            group->counts[first + row] = (uint8_t)count;
            found += count;
        }
#if SPARSE_TOGETHER > 1
        sparse_order(group->counts + first, group->rows, group->order + first);
        NAME(sparse_fill)(group, block);
#endif
    }
    return found;
}

/// Adds `count` entries of as many lists as go `together` to ROW_GROUP vectors of their rows' sums for one panel;
/// `bias`, where the sums begin.
SERIN_INLINE void NAME(sparse_add)(
    const NUMBER *const *values, const uint16_t *const *places, size_t count, const uint8_t *weights,
    const VECTOR *bias, VECTOR *const *to, const int together) {
    VECTOR sums[SPARSE_TOGETHER][ROW_GROUP];
#pragma clang loop unroll(full)
    for (int row = 0; row < together; row++)
#pragma clang loop unroll(full)
        for (int v = 0; v < ROW_GROUP; v++) sums[row][v] = bias ? bias[v] : to[row][v];
#define ADD_ENTRY(ROW, OFFSET, INPUT)                                                                          \
    do {                                                                                                       \
        const VECTOR *const column = (const VECTOR *)(weights + (OFFSET)), input = INPUT;                      \
        _Pragma("clang loop unroll(full)") for (int v = 0; v < ROW_GROUP; v++)                                         \
            sums[ROW][v] = FMA(column[v], input, sums[ROW][v]);                                                \
    } while (0)
#define ADD_FOURTH(K)                                                                                          \
    _Pragma("clang loop unroll(full)") for (int row = 0; row < together; row++)                                \
        ADD_ENTRY(row, (uint16_t)(offsets[row] >> 16 * (K)), NAME(spread)(four[row], K))
    size_t i = 0;
#pragma clang loop unroll(disable)
    for (; i + 4 <= count; i += 4) {
        uint64_t offsets[SPARSE_TOGETHER];
        NAME(four) four[SPARSE_TOGETHER];
#pragma clang loop unroll(full)
        for (int row = 0; row < together; row++) {
            memcpy(&offsets[row], places[row] + i, sizeof offsets[row]);
            four[row] = NAME(load_four)(values[row] + i);
        }
        ADD_FOURTH(0);
        ADD_FOURTH(1);
        ADD_FOURTH(2);
        ADD_FOURTH(3);
    }
#pragma clang loop unroll(disable)
    for (; i < count; i++)
#pragma clang loop unroll(full)
        for (int row = 0; row < together; row++) ADD_ENTRY(row, places[row][i], (VECTOR)values[row][i]);
#undef ADD_FOURTH
#undef ADD_ENTRY
#pragma clang loop unroll(full)
    for (int row = 0; row < together; row++)
#pragma clang loop unroll(full)
        for (int v = 0; v < ROW_GROUP; v++) to[row][v] = sums[row][v];
}

/// Lists `first` … of the order, as many as go together, by the vectors of a panel from the `vector`th on.
SERIN_INLINE void NAME(sparse_together)(
    const NAME(sparse_group) *group, size_t block, size_t first, const uint8_t *weights, const VECTOR *bias,
    VECTOR (*sums)[4], const int vector, const int together) {
    const NUMBER *values[SPARSE_TOGETHER];
    const uint16_t *places[SPARSE_TOGETHER];
    VECTOR *to[SPARSE_TOGETHER];
    const size_t begin = block * group->rows;
    size_t row = first;
#pragma clang loop unroll(full)
    for (int k = 0; k < together; k++) {
        if (SPARSE_TOGETHER > 1) row = group->order[begin + first + (size_t)k];
        values[k] = group->values + (begin + row) * SPARSE_BLOCK;
        places[k] = group->places + (begin + row) * SPARSE_BLOCK;
        to[k] = sums[row] + vector;
    }
    // The last one's list is the longest.
    NAME(sparse_add)(
        values, places, group->counts[begin + row], weights + (size_t)vector * sizeof(VECTOR), bias ? bias + vector : NULL,
        to, together);
}

/// All rows of a group by one full panel.
SERIN_INLINE void NAME(sparse_panel_rows)(
    const NAME(sparse_group) *group, const VECTOR *weights, const VECTOR *bias, NUMBER *y, size_t outputs, int is_relu) {
    VECTOR sums[SPARSE_ROWS][4];
    for (size_t block = 0; block < group->blocks; block++) {
        const uint8_t *part = (const uint8_t *)weights + block * SPARSE_BLOCK * SPARSE_STEP;
#pragma clang loop unroll(full)
        for (int vector = 0; vector < 4; vector += ROW_GROUP) {
            size_t i = 0;
            for (; i + SPARSE_TOGETHER <= group->rows; i += SPARSE_TOGETHER)
                NAME(sparse_together)(group, block, i, part, block == 0 ? bias : NULL, sums, vector, SPARSE_TOGETHER);
            for (; i < group->rows; i++)
                NAME(sparse_together)(group, block, i, part, block == 0 ? bias : NULL, sums, vector, 1);
        }
    }
    for (size_t row = 0; row < group->rows; row++)
#pragma clang loop unroll(full)
        for (int v = 0; v < 4; v++) {
            const VECTOR sum = NAME(rectified)(sums[row][v], is_relu);
            memcpy(y + row * outputs + v * LANES, &sum, sizeof sum);
        }
}

/// Whether so few of the inputs are not 0 that listing them is less work than multiplying all.
SERIN_INLINE int NAME(is_sparse)(size_t nonzero, size_t inputs) { return 20 * nonzero < 13 * inputs; }

/// Rows, as long as they have zeros enough; how many these were.  A last panel that is not full goes the
/// ordinary way.
static size_t NAME(sparse_rows)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t inputs = stage->input->columns, outputs = stage->output->columns;
    const int is_relu = stage->detail == SERIN_ACTIVATION_RELU;
    // One row says whether the lists of all are worth making.
    uint16_t any[SPARSE_INPUTS];
    if (!NAME(is_sparse)(NAME(nonzero)(x, inputs, any), inputs)) return 0;
    NAME(sparse_group) group;
    group.inputs = inputs;
    group.blocks = (inputs + SPARSE_BLOCK - 1) / SPARSE_BLOCK;
    const size_t most = SPARSE_LISTS / group.blocks < SPARSE_ROWS ? SPARSE_LISTS / group.blocks : SPARSE_ROWS;
    size_t row = 0;
    for (; row < rows; row += group.rows) {
        group.rows = rows - row < most ? rows - row : most;
        group.x = x + row * inputs;
        if (!NAME(is_sparse)(NAME(sparse_find)(&group), group.rows * inputs)) return row;
        const VECTOR *weights = stage->parameters[0], *bias = stage->parameters[1];
        NUMBER *to = y + row * outputs;
        size_t first = 0;
        for (; first + PANEL <= outputs; first += PANEL, weights += 4 * inputs, bias += 4)
            NAME(sparse_panel_rows)(&group, weights, bias, to + first, outputs, is_relu);
        if (first < outputs) NAME(dense_panel)(stage, group.x, weights, bias, to, group.rows, first);
    }
    return row;
}

#undef SPARSE_ROWS
#undef SPARSE_BLOCK
#undef SPARSE_ENTRIES
#undef SPARSE_LISTS
#undef SPARSE_STEP
