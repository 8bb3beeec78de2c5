// Dense layers: y = activation(weights · x + bias), for one row as for many.
//
// Wide layers (8 outputs and more).  Outputs stand in lanes: an input is broadcast and multiplied
// with its column of weights, so a sum never has to be taken across lanes.  Weights are packed in
// panels of up to 4 vectors of 64 bytes, in the order in which they are read:
//
//     panel 0: input 0: | 64 outputs' weights | input 1: | 64 … | …     panel 1: …      (float)
//
// One row streams each panel once from the second-level cache, which is what bounds it.  Many rows
// go in tiles of up to 6, whose 24 sums stay in registers: 24 multiplications for 4 loads of weights
// and 6 of inputs.  A panel is finished for all rows of the chunk before the next is touched.
//
// The order of an output's sum is the same for one row and for many, with AVX2 and with AVX-512: input
// after input, fused multiply-add, the bias first.  Panels of 1 and 2 vectors keep 4 and 2 sums
// (inputs 0, 4, 8 …; 1, 5, 9 …), added in pairs at the end, so that one multiplication need not wait
// for the last.  The scalar family rounds products too, and so differs in the last bits.
//
// Narrow layers (fewer outputs).  Inputs stand in lanes, two vectors of sums, whose lanes are added
// in halves: (i, i + 8), (i, i + 4) …; of 16 rows (8 in double) together.
//
// Zeros (what a rectifier leaves) are skipped where a row has enough of them: half of the second layer of a
// 256-512-256-1 network is never multiplied, and for one row never read.  One row lists its places, batches
// are dense_sparse.h's.  The sum stays the same.
//
// On a Zen 5 core, whose multipliers do 114 G a second at 3.56 GHz: 256-512-256-1 in batches of 1,024 2.2 us a
// row (all multiplied, at 113 G: 2.35; ONNX Runtime 2.6), one row in 5 us (OpenBLAS 11), 32-64-32-1 in 0.13 us.
//
// NUMBER, NAME(x), VECTOR (64 bytes of NUMBER), NAME(fold_four) and NAME(fold_rest) (fold.h), FMA, LOAD_PART,
// STORE_PART, NAME(nonzero), SPARSE_TOGETHER (rows whose zeros are skipped together),
// TILE_SUMS (vectors of sums that registers hold), GROUP (vectors of a panel in one pass over many rows), ROW_GROUP
// (the same over one row) and DOT_TOGETHER (rows of a narrow layer whose sums registers hold: 1, 2 or 4) are the family's.

#define LANES (64 / sizeof(NUMBER))
#define PANEL (SERIN_PANEL_BYTES / sizeof(NUMBER))
#define TILE_ROWS 6
/// The longest row whose zeros are looked for, and the smallest layer that is worth it.
#define SPARSE_INPUTS 1024
#define SPARSE_WEIGHTS 16384

SERIN_INLINE VECTOR NAME(rectified)(VECTOR sums, int is_relu) { return is_relu ? (sums < 0 ? (VECTOR)0 : sums) : sums; }

SERIN_INLINE void NAME(store)(NUMBER *y, VECTOR sums, size_t count) {
    if (count >= LANES)
        memcpy(y, &sums, sizeof sums);
    else
        STORE_PART(y, sums, count);
}

/// `row_count` rows by `vectors` vectors of a panel whose inputs lie `step` vectors apart; `count`
/// outputs of them exist.  The last three parameters are constants, and every loop over them is unrolled.
SERIN_INLINE void NAME(tile)(
    const NUMBER *x, size_t inputs, const VECTOR *weights, size_t step, const VECTOR *bias, NUMBER *y, size_t outputs,
    size_t count, int is_relu, const int row_count, const int vectors, const int splits) {
    VECTOR sums[TILE_ROWS][4][4];
#pragma clang loop unroll(full)
    for (int row = 0; row < row_count; row++)
#pragma clang loop unroll(full)
        for (int split = 0; split < splits; split++)
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[row][split][v] = split == 0 ? bias[v] : (VECTOR)0;
#define ADD_INPUT(K, SPLIT)                                                                                    \
    do {                                                                                                       \
        VECTOR column[4];                                                                                      \
        _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++) column[v] = weights[(K) * step + v]; \
        _Pragma("clang loop unroll(full)") for (int row = 0; row < row_count; row++) {                         \
            const VECTOR input = x[row * inputs + (K)];                                                        \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++)                               \
                sums[row][SPLIT][v] = FMA(column[v], input, sums[row][SPLIT][v]);                              \
        }                                                                                                      \
    } while (0)
    size_t k = 0;
    for (; k + splits <= inputs; k += splits) {
        ADD_INPUT(k, 0);
        if (splits > 1) ADD_INPUT(k + 1, 1);
        if (splits > 2) ADD_INPUT(k + 2, 2);
        if (splits > 2) ADD_INPUT(k + 3, 3);
    }
    if (splits > 1 && k < inputs) ADD_INPUT(k, 0);
    if (splits > 2 && k + 1 < inputs) ADD_INPUT(k + 1, 1);
    if (splits > 2 && k + 2 < inputs) ADD_INPUT(k + 2, 2);
#undef ADD_INPUT
#pragma clang loop unroll(full)
    for (int row = 0; row < row_count; row++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            VECTOR sum = sums[row][0][v];
            if (splits == 2) sum += sums[row][1][v];
            if (splits == 4) sum = (sum + sums[row][1][v]) + (sums[row][2][v] + sums[row][3][v]);
            if (v * LANES < count)
                NAME(store)(y + row * outputs + v * LANES, NAME(rectified)(sum, is_relu), count - v * LANES);
        }
}

/// One row, `vectors` vectors of a full panel, only the inputs at `places`: those that are not 0.
SERIN_INLINE void NAME(sparse_panel)(
    const NUMBER *x, const uint16_t *places, size_t place_count, const VECTOR *weights, const VECTOR *bias, NUMBER *y,
    int is_relu, const int vectors) {
    VECTOR sums[4];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sums[v] = bias[v];
    for (size_t i = 0; i < place_count; i++) {
        const VECTOR *column = weights + 4 * (size_t)places[i];
        const VECTOR input = x[places[i]];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) sums[v] = FMA(column[v], input, sums[v]);
    }
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) NAME(store)(y + v * LANES, NAME(rectified)(sums[v], is_relu), LANES);
}

/// All rows of a chunk by one panel of `vectors` vectors.
SERIN_INLINE void NAME(panel)(
    const NUMBER *x, size_t inputs, const VECTOR *weights, const VECTOR *bias, NUMBER *y, size_t outputs, size_t count,
    size_t rows, int is_relu, const int vectors, const int splits) {
    if (rows == 1) {
        // As many sums side by side as there are and registers hold: one alone would wait for itself.
        const int width = vectors <= ROW_GROUP ? vectors : vectors % ROW_GROUP == 0 ? ROW_GROUP : 1;
        for (int v = 0; v < vectors && v * LANES < count; v += width)
            NAME(tile)(
                x, inputs, weights + v, vectors, bias + v, y + v * LANES, outputs, count - v * LANES, is_relu, 1, width,
                splits);
        return;
    }
    const int width = GROUP < vectors ? GROUP : vectors;
    const int most = TILE_SUMS / (width * splits);
    const int tile = most < 1 ? 1 : most > TILE_ROWS ? TILE_ROWS : most;
    for (int v = 0; v < vectors && v * LANES < count; v += width) {
        const NUMBER *from = x;
        NUMBER *to = y + v * LANES;
#define TILE(ROWS)                                                                                             \
    NAME(tile)(from, inputs, weights + v, vectors, bias + v, to, outputs, count - v * LANES, is_relu, ROWS, width, splits)
        size_t left = rows;
        for (; left >= (size_t)tile; left -= tile, from += tile * inputs, to += tile * outputs) TILE(tile);
        switch (left) {
        case 5: if (tile > 5) TILE(5); break;
        case 4: if (tile > 4) TILE(4); break;
        case 3: if (tile > 3) TILE(3); break;
        case 2: if (tile > 2) TILE(2); break;
        case 1: TILE(1); break;
        }
#undef TILE
    }
}

/// The layer's panel that begins with output `first`, for all rows.
static void NAME(dense_panel)(
    const serin_stage_view *stage, const NUMBER *x, const VECTOR *weights, const VECTOR *bias, NUMBER *y, size_t rows,
    size_t first) {
    const size_t inputs = stage->input->columns, outputs = stage->output->columns, count = outputs - first;
    const int is_relu = stage->detail == SERIN_ACTIVATION_RELU;
    switch (count < PANEL ? (count + LANES - 1) / LANES : 4) {
    case 1: NAME(panel)(x, inputs, weights, bias, y + first, outputs, count, rows, is_relu, 1, 4); return;
    case 2: NAME(panel)(x, inputs, weights, bias, y + first, outputs, count, rows, is_relu, 2, 2); return;
    case 3: NAME(panel)(x, inputs, weights, bias, y + first, outputs, count, rows, is_relu, 3, 1); return;
    default: NAME(panel)(x, inputs, weights, bias, y + first, outputs, count, rows, is_relu, 4, 1); return;
    }
}

#include "dense_sparse.h"

/// One row, if it has zeros enough; whether it had.
static int NAME(sparse_row)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y) {
    const size_t inputs = stage->input->columns, outputs = stage->output->columns;
    const VECTOR *weights = stage->parameters[0], *bias = stage->parameters[1];
    const int is_relu = stage->detail == SERIN_ACTIVATION_RELU;
    uint16_t places[SPARSE_INPUTS];
    const size_t count = NAME(nonzero)(x, inputs, places);
    if (4 * count >= 3 * inputs) return 0;
    size_t first = 0;
    for (; first + PANEL <= outputs; first += PANEL, weights += 4 * inputs, bias += 4)
        for (int v = 0; v < 4; v += ROW_GROUP)
            NAME(sparse_panel)(
                x, places, count, weights + v, bias + v, y + first + v * LANES, is_relu, ROW_GROUP);
    if (first < outputs) NAME(dense_panel)(stage, x, weights, bias, y, 1, first);
    return 1;
}

static void NAME(wide)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t inputs = stage->input->columns, outputs = stage->output->columns;
    size_t row = 0;
    if (inputs <= SPARSE_INPUTS && inputs * outputs >= SPARSE_WEIGHTS) {
        if (rows == 1) row = (size_t)NAME(sparse_row)(stage, x, y);
        if (rows > 1) row = NAME(sparse_rows)(stage, x, y, rows);
    }
    const VECTOR *weights = stage->parameters[0], *bias = stage->parameters[1];
    for (size_t first = 0; first < outputs && row < rows; first += PANEL, weights += 4 * inputs, bias += 4)
        NAME(dense_panel)(stage, x + row * inputs, weights, bias, y + row * outputs, rows - row, first);
}

/// The sum of a vector's lanes, in halves.
SERIN_INLINE NUMBER NAME(lane_sum)(VECTOR sums) {
    NUMBER lanes[LANES];
    memcpy(lanes, &sums, sizeof sums);
#pragma clang loop unroll(full)
    for (size_t half = LANES / 2; half > 0; half /= 2)
#pragma clang loop unroll(full)
        for (size_t i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return lanes[0];
}

/// Sums of `count` rows and one output, their vectors' lanes not yet added; `weights` has the inputs padded by zeros.
SERIN_INLINE void NAME(row_sums)(
    const NUMBER *const *rows, const VECTOR *weights, size_t inputs, VECTOR *sums, const int count) {
    const size_t step = 2 * LANES;
    VECTOR even[4], odd[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) even[i] = odd[i] = 0;
    size_t k = 0;
    for (; k + step <= inputs; k += step, weights += 2)
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            VECTOR low, high;
            memcpy(&low, rows[i] + k, sizeof low);
            memcpy(&high, rows[i] + k + LANES, sizeof high);
            even[i] = FMA(weights[0], low, even[i]);
            odd[i] = FMA(weights[1], high, odd[i]);
        }
    if (k < inputs) {
        const size_t left = inputs - k, low = left < LANES ? left : LANES;
#pragma clang loop unroll(full)
        for (int i = 0; i < count; i++) {
            even[i] = FMA(weights[0], LOAD_PART(rows[i] + k, low), even[i]);
            odd[i] = FMA(weights[1], LOAD_PART(rows[i] + k + LANES, left - low), odd[i]);
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) sums[i] = even[i] + odd[i];
}

/// Vectors of a narrow layer's weights for one output.
SERIN_INLINE size_t NAME(dot_vectors)(size_t inputs) { return (inputs + 2 * LANES - 1) / (2 * LANES) * 2; }

/// One row by a narrow layer.
SERIN_INLINE void NAME(dot_row)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y) {
    const size_t inputs = stage->input->columns, outputs = stage->output->columns;
    const size_t vectors = NAME(dot_vectors)(inputs);
    const VECTOR *weights = stage->parameters[0];
    const NUMBER *bias = stage->parameters[1];
    for (size_t output = 0; output < outputs; output++, weights += vectors) {
        VECTOR sums;
        NAME(row_sums)(&x, weights, inputs, &sums, 1);
        const NUMBER sum = NAME(lane_sum)(sums) + bias[output];
        y[output] = stage->detail == SERIN_ACTIVATION_RELU && sum < 0 ? 0 : sum;
    }
}

/// What dot_rows gives, for up to as many rows as a vector has lanes.
SERIN_INLINE VECTOR NAME(dot_some_rows)(const NUMBER *x, size_t inputs, const VECTOR *weights, size_t rows) {
    VECTOR fours[LANES / 4];
#pragma clang loop unroll(full)
    for (size_t four = 0; four < LANES / 4; four++) {
        const size_t first = 4 * four;
        if (first >= rows) {
            fours[four] = fours[0];
            continue;
        }
        const NUMBER *from[4];
        for (size_t i = 0; i < 4; i++) from[i] = x + (first + i < rows ? first + i : rows - 1) * inputs;
        VECTOR sums[4];
#if DOT_TOGETHER == 1
#pragma clang loop unroll(disable)
#else
#pragma clang loop unroll(full)
#endif
        for (int i = 0; i < 4; i += DOT_TOGETHER) NAME(row_sums)(from + i, weights, inputs, sums + i, DOT_TOGETHER);
        fours[four] = NAME(fold_four)(sums);
    }
    return NAME(fold_rest)(fours);
}

/// Apart, so that the loops over many rows keep their registers.
static __attribute__((noinline)) void NAME(dot_few_rows)(
    const NUMBER *x, size_t inputs, const VECTOR *weights, size_t rows, VECTOR *sums) {
    *sums = NAME(dot_some_rows)(x, inputs, weights, rows);
}

/// One output of as many rows as a vector has lanes, or of fewer, whose sums then stand in the other lanes again;
/// without its bias.
SERIN_INLINE VECTOR NAME(dot_rows)(const NUMBER *x, size_t inputs, const VECTOR *weights, size_t rows) {
    if (rows >= LANES) return NAME(dot_some_rows)(x, inputs, weights, LANES);
    VECTOR sums;
    NAME(dot_few_rows)(x, inputs, weights, rows, &sums);
    return sums;
}

/// As many rows at once as a vector has lanes.
static void NAME(narrow)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t inputs = stage->input->columns, outputs = stage->output->columns;
    const size_t vectors = NAME(dot_vectors)(inputs);
    const NUMBER *bias = stage->parameters[1];
    const int is_relu = stage->detail == SERIN_ACTIVATION_RELU;
    for (size_t row = 0; row < rows; row += LANES, x += LANES * inputs, y += LANES * outputs) {
        const size_t some = rows - row < LANES ? rows - row : LANES;
        if (some == 1) {
            NAME(dot_row)(stage, x, y);
            return;
        }
        for (size_t output = 0; output < outputs; output++) {
            const VECTOR *weights = (const VECTOR *)stage->parameters[0] + output * vectors;
            const VECTOR results = NAME(rectified)(NAME(dot_rows)(x, inputs, weights, some) + bias[output], is_relu);
            if (outputs == 1)
                NAME(store)(y, results, some);
            else
                for (size_t i = 0; i < some; i++) y[i * outputs + output] = results[i];
        }
    }
}

static void NAME(dense)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t outputs = stage->output->columns;
    if (outputs < SERIN_DENSE_NARROW)
        NAME(narrow)(stage, x, y, rows);
    else
        NAME(wide)(stage, x, y, rows);
    if (stage->detail != SERIN_ACTIVATION_RELU) NAME(activate)(stage->detail, y, rows, outputs);
}

#undef LANES
#undef PANEL
#undef TILE_ROWS
#undef SPARSE_INPUTS
#undef SPARSE_WEIGHTS
