// Linear models: a narrow layer of one output and what may follow it, without a program's chunk around them.
//
// Included behind dense_number.h and stages_number.h, whose NUMBER, NAME(x) and VECTOR these are; SIGMOID_STEP is
// how many of them OBJECTIVE_SIGMOIDS likes to do at once.

#define LANES (64 / sizeof(NUMBER))

/// A linear model's only output for one row: the layer's sum, and what an element-wise stage makes of it.
SERIN_INLINE void NAME(linear_row)(
    const serin_stage_view *layer, const serin_stage_view *last, const NUMBER *x, NUMBER *margin, NUMBER *score) {
    NUMBER sum;
    NAME(dot_row)(layer, x, &sum);
    if (layer->detail != SERIN_ACTIVATION_IDENTITY && layer->detail != SERIN_ACTIVATION_RELU)
        NAME(activate)(layer->detail, &sum, 1, 1);
    *margin = sum;
    *score = sum;
    if (!last) return;
    // Logistic regression, which is most of them, needs no call.
    if (last->kind == SERIN_STAGE_TRANSFORM && last->detail == SERIN_TRANSFORM_SIGMOID)
        *score = OBJECTIVE_SIGMOID(sum, last->scalars[0]);
    else
        NAME(run)(last, margin, score, 1);
}

/// A NaN stays one, an infinity minus itself becomes one, anything else 0.
SERIN_INLINE int NAME(are_finite)(const NUMBER *x, size_t count) {
    int finite = 1;
    for (size_t i = 0; i < count; i++) finite &= x[i] - x[i] == 0;
    return finite;
}

/// Rows whose numbers are held at a time, a multiple of every vector's lanes.
#define LINEAR_ROWS 128

/// Copies `count` numbers; as many as fill a vector's last lanes may be read behind them.
SERIN_INLINE void NAME(copy_out)(NUMBER *to, const NUMBER *from, size_t count) {
    for (size_t i = 0; i < count; i += LANES) {
        VECTOR numbers;
        memcpy(&numbers, from + i, sizeof numbers);
        NAME(store)(to + i, numbers, count - i);
    }
}

/// One row of a linear model; whether its numbers are finite.
SERIN_INLINE int NAME(linear_one)(
    const serin_stage_view *layer, const serin_stage_view *last, const NUMBER *x, NUMBER *margin, NUMBER *score) {
    NUMBER sum;
    NAME(linear_row)(layer, last, x, &sum, score);
    if (margin) *margin = sum;
    return NAME(are_finite)(&sum, 1) & NAME(are_finite)(score, 1);
}

/// Any rows of a linear model; whether all its numbers are finite.
///
/// Products first, then what follows: short loops, whose turns overlap, instead of one long one.  Vectors are
/// full ones up to the end, as what is stored in part cannot be loaded at once.
static __attribute__((noinline)) int NAME(linear)(
    const serin_stage_view *layer, const serin_stage_view *last, const NUMBER *x, NUMBER *margins, NUMBER *scores,
    size_t rows) {
    const size_t inputs = layer->input->columns;
    const VECTOR *weights = layer->parameters[0];
    const NUMBER bias = *(const NUMBER *)layer->parameters[1];
    const int is_relu = layer->detail == SERIN_ACTIVATION_RELU;
    const int is_active = !is_relu && layer->detail != SERIN_ACTIVATION_IDENTITY;
    NUMBER sums[LINEAR_ROWS], results[LINEAR_ROWS];
    const int is_sigmoid = last && last->kind == SERIN_STAGE_TRANSFORM && last->detail == SERIN_TRANSFORM_SIGMOID;
    int finite = 1;
    for (size_t first = 0; first < rows; first += LINEAR_ROWS) {
        const size_t count = rows - first < LINEAR_ROWS ? rows - first : LINEAR_ROWS;
        // Lanes beyond the last row repeat others, so they are finite if those are.
        const size_t padded = (count + LANES - 1) / LANES * LANES;
        const size_t sigmoids = (count + SIGMOID_STEP - 1) / SIGMOID_STEP * SIGMOID_STEP;
        for (size_t row = 0; row < count; row += LANES, x += LANES * inputs) {
            const VECTOR sum = NAME(rectified)(NAME(dot_rows)(x, inputs, weights, count - row) + bias, is_relu);
            memcpy(sums + row, &sum, sizeof sum);
        }
        if (is_active) NAME(activate)(layer->detail, sums, padded, 1);
        finite &= NAME(are_finite)(sums, padded);
        if (margins) NAME(copy_out)(margins + first, sums, count);
        NUMBER *score = scores + first;
        if (is_sigmoid) {
            // A finite number's is finite.
            NUMBER *to = sigmoids == count ? score : results;
            OBJECTIVE_SIGMOIDS(sums, to, sigmoids, last->scalars[0]);
            if (to == results) NAME(copy_out)(score, results, count);
        } else if (last) {
            NAME(run)(last, sums, score, count);
            finite &= NAME(are_finite)(score, count);
        } else {
            NAME(copy_out)(score, sums, count);
        }
    }
    return finite;
}

#undef LANES
#undef LINEAR_ROWS
