// The stages over matrices [rows][columns] of one width.
//
// Included once for float and once for double in each family of instruction sets; NUMBER, NAME(x),
// MATH(x) and the bit tricks' types are defined by the includer.  Nothing is fused (-ffp-contract=off),
// so that every family gives the same bits, and those of ReferenceScorer.

SERIN_INLINE NUMBER NAME(combined)(uint32_t kind, NUMBER a, NUMBER b) {
    switch (kind) {
    case SERIN_ARITHMETIC_ADD: return a + b;
    case SERIN_ARITHMETIC_SUBTRACT: return a - b;
    case SERIN_ARITHMETIC_MULTIPLY: return a * b;
    case SERIN_ARITHMETIC_DIVIDE: return a / b;
    case SERIN_ARITHMETIC_POWER: return MATH(pow)(a, b);
    case SERIN_ARITHMETIC_MAXIMUM: return a > b || a != a ? a : b;
    default: return a < b || a != a ? a : b;
    }
}

SERIN_INLINE void NAME(combine_rows)(
    uint32_t kind, const NUMBER *a, size_t a_stride, const NUMBER *b, size_t b_stride, NUMBER *y, size_t rows,
    size_t columns) {
    for (size_t row = 0; row < rows; row++, a += a_stride, b += b_stride, y += columns)
        for (size_t i = 0; i < columns; i++) y[i] = NAME(combined)(kind, a[i], b[i]);
}

/// The switch stands outside the loops: `kind` is a constant in each.
static void NAME(combine)(
    uint32_t kind, const NUMBER *a, size_t a_stride, const NUMBER *b, size_t b_stride, NUMBER *y, size_t rows,
    size_t columns) {
#define CASE(KIND)                                                                                             \
    case KIND: NAME(combine_rows)(KIND, a, a_stride, b, b_stride, y, rows, columns); return
    switch (kind) {
        CASE(SERIN_ARITHMETIC_ADD);
        CASE(SERIN_ARITHMETIC_SUBTRACT);
        CASE(SERIN_ARITHMETIC_MULTIPLY);
        CASE(SERIN_ARITHMETIC_DIVIDE);
        CASE(SERIN_ARITHMETIC_MAXIMUM);
        CASE(SERIN_ARITHMETIC_MINIMUM);
        CASE(SERIN_ARITHMETIC_POWER);
    }
#undef CASE
}

static void NAME(select)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t inputs = stage->input->columns, columns = stage->output->columns;
    const uint32_t *from = stage->parameters[0];
    for (size_t row = 0; row < rows; row++, x += inputs, y += columns)
        for (size_t i = 0; i < columns; i++) y[i] = x[from[i]];
}

static void NAME(impute)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t columns = stage->output->columns;
    const NUMBER *values = stage->parameters[0];
    const NUMBER marker = (NUMBER)stage->scalars[0];
    for (size_t row = 0; row < rows; row++, x += columns, y += columns)
        for (size_t i = 0; i < columns; i++) y[i] = ((x[i] != x[i]) | (x[i] == marker)) ? values[i] : x[i];
}

static void NAME(scale)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t columns = stage->output->columns;
    const NUMBER *offsets = stage->parameters[0], *scales = stage->parameters[1];
    for (size_t row = 0; row < rows; row++, x += columns, y += columns)
        for (size_t i = 0; i < columns; i++) y[i] = (x[i] - offsets[i]) * scales[i];
}

static void NAME(clip)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t columns = stage->output->columns;
    const NUMBER *low = stage->parameters[0], *high = stage->parameters[1];
    for (size_t row = 0; row < rows; row++, x += columns, y += columns)
        for (size_t i = 0; i < columns; i++) {
            const NUMBER above = x[i] > high[i] ? high[i] : x[i];
            y[i] = x[i] < low[i] ? low[i] : above;
        }
}

static void NAME(log)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t count = rows * stage->output->columns;
    const NUMBER offset = (NUMBER)stage->scalars[0];
    if (offset == 1)
        for (size_t i = 0; i < count; i++) y[i] = MATH(log1p)(x[i]);
    else
        for (size_t i = 0; i < count; i++) y[i] = MATH(log)(x[i] + offset);
}

static void NAME(binarize)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t columns = stage->output->columns;
    const NUMBER *thresholds = stage->parameters[0];
    for (size_t row = 0; row < rows; row++, x += columns, y += columns)
        for (size_t i = 0; i < columns; i++) y[i] = x[i] > thresholds[i];
}

/// How many of `count` ascending numbers are below x (or equal, where `inclusive`); 0 for NaN.
SERIN_INLINE size_t NAME(rank)(const NUMBER *numbers, size_t count, NUMBER x, int inclusive) {
    size_t first = 0;
    while (count > 0) {
        const size_t half = count / 2;
        const NUMBER middle = numbers[first + half];
        const int right = inclusive ? middle <= x : middle < x;
        first = right ? first + half + 1 : first;
        count = right ? count - half - 1 : half;
    }
    return first;
}

static void NAME(one_hot)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t inputs = stage->input->columns, columns = stage->output->columns;
    const NUMBER *categories = stage->parameters[0];
    const uint32_t *places = stage->parameters[1], *starts = stage->parameters[2];
    memset(y, 0, rows * columns * sizeof(NUMBER));
    for (size_t row = 0; row < rows; row++, x += inputs, y += columns)
        for (size_t i = 0; i < inputs; i++) {
            const size_t start = starts[i], count = starts[i + 1] - start;
            const size_t rank = NAME(rank)(categories + start, count, x[i], 0);
            if (rank < count && categories[start + rank] == x[i]) y[places[start + rank]] = 1;
        }
}

static void NAME(look_up)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t columns = stage->output->columns;
    const NUMBER *keys = stage->parameters[0], *values = stage->parameters[1], *others = stage->parameters[3];
    const uint32_t *starts = stage->parameters[2];
    for (size_t row = 0; row < rows; row++, x += columns, y += columns)
        for (size_t i = 0; i < columns; i++) {
            const size_t start = starts[i], count = starts[i + 1] - start;
            const size_t rank = NAME(rank)(keys + start, count, x[i], 0);
            if (rank < count && keys[start + rank] == x[i])
                y[i] = values[start + rank];
            else
                y[i] = others[2 * i + (x[i] != x[i])];
        }
}

static void NAME(bucket)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t columns = stage->output->columns;
    const NUMBER *edges = stage->parameters[0];
    const uint32_t *starts = stage->parameters[1];
    for (size_t row = 0; row < rows; row++, x += columns, y += columns)
        for (size_t i = 0; i < columns; i++) {
            const size_t start = starts[i];
            const NUMBER rank = (NUMBER)NAME(rank)(edges + start, starts[i + 1] - start, x[i], 1);
            y[i] = x[i] != x[i] ? x[i] : rank;
        }
}

SERIN_INLINE NUMBER NAME(norm)(uint32_t norm, const NUMBER *x, size_t columns) {
    NUMBER size = norm == SERIN_NORM_MAXIMUM ? MATH(fabs)(x[0]) : norm == SERIN_NORM_LARGEST ? x[0] : 0;
    for (size_t i = 0; i < columns; i++) {
        switch (norm) {
        case SERIN_NORM_MAXIMUM: size = NAME(combined)(SERIN_ARITHMETIC_MAXIMUM, size, MATH(fabs)(x[i])); break;
        case SERIN_NORM_LARGEST: size = NAME(combined)(SERIN_ARITHMETIC_MAXIMUM, size, x[i]); break;
        case SERIN_NORM_L1: size += MATH(fabs)(x[i]); break;
        default: size += x[i] * x[i]; break;
        }
    }
    return norm == SERIN_NORM_L2 ? MATH(sqrt)(size) : size;
}

static void NAME(normalize)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t columns = stage->output->columns;
    for (size_t row = 0; row < rows; row++, x += columns, y += columns) {
        const NUMBER size = NAME(norm)(stage->detail, x, columns);
        const NUMBER divisor = size == 0 ? 1 : size;
        for (size_t i = 0; i < columns; i++) y[i] = x[i] / divisor;
    }
}

static void NAME(platt)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t count = rows * stage->output->columns;
    const NUMBER slope = (NUMBER)stage->scalars[0], intercept = (NUMBER)stage->scalars[1];
    for (size_t i = 0; i < count; i++) y[i] = 1 / (1 + MATH(exp)(slope * x[i] + intercept));
}

static void NAME(isotonic)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t count = rows * stage->output->columns, points = stage->parameter_count;
    const NUMBER *px = stage->parameters[0], *py = stage->parameters[1];
    for (size_t i = 0; i < count; i++) {
        const NUMBER value = x[i];
        const size_t high = NAME(rank)(px, points, value, 0);
        if (value != value)
            y[i] = value;
        else if (high == 0)
            y[i] = py[0];
        else if (value >= px[points - 1])
            y[i] = py[points - 1];
        else
            y[i] = (py[high] - py[high - 1]) / (px[high] - px[high - 1]) * (value - px[high - 1]) + py[high - 1];
    }
}

static void NAME(complement)(const NUMBER *x, NUMBER *y, size_t rows) {
    for (size_t row = 0; row < rows; row++) {
        const NUMBER value = x[row];
        y[2 * row] = 1 - value;
        y[2 * row + 1] = value;
    }
}

static void NAME(compare)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t columns = stage->output->columns;
    for (size_t row = 0; row < rows; row++, x += 2 * columns, y += columns) {
        const NUMBER *a = x, *b = x + columns;
#define EACH(RELATION)                                                                                         \
    for (size_t i = 0; i < columns; i++) y[i] = a[i] RELATION b[i];                                            \
    break
        switch (stage->detail) {
        case SERIN_RELATION_LESS: EACH(<);
        case SERIN_RELATION_LESS_OR_EQUAL: EACH(<=);
        case SERIN_RELATION_GREATER: EACH(>);
        case SERIN_RELATION_GREATER_OR_EQUAL: EACH(>=);
        default: EACH(==);
        }
#undef EACH
    }
}

static void NAME(choose)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t columns = stage->output->columns;
    for (size_t row = 0; row < rows; row++, x += 3 * columns, y += columns)
        for (size_t i = 0; i < columns; i++) y[i] = x[i] == 0 ? x[2 * columns + i] : x[columns + i];
}

/// The place of the first of the largest numbers; NaN counts as -infinity.
SERIN_INLINE NUMBER NAME(first_largest)(const NUMBER *x, size_t size, NUMBER sign) {
    size_t best = 0;
    NUMBER largest = -(NUMBER)INFINITY;
    for (size_t i = 0; i < size; i++) {
        const NUMBER value = sign * x[i];
        best = value > largest ? i : best;
        largest = value > largest ? value : largest;
    }
    return (NUMBER)best;
}

static NUMBER NAME(reduced)(uint32_t reduction, const NUMBER *x, size_t size) {
    if (reduction == SERIN_REDUCTION_INDEX_OF_MAXIMUM) return NAME(first_largest)(x, size, 1);
    if (reduction == SERIN_REDUCTION_INDEX_OF_MINIMUM) return NAME(first_largest)(x, size, -1);
    NUMBER result = x[0];
    for (size_t i = 1; i < size; i++) {
        switch (reduction) {
        case SERIN_REDUCTION_PRODUCT: result *= x[i]; break;
        case SERIN_REDUCTION_MAXIMUM: result = NAME(combined)(SERIN_ARITHMETIC_MAXIMUM, result, x[i]); break;
        case SERIN_REDUCTION_MINIMUM: result = NAME(combined)(SERIN_ARITHMETIC_MINIMUM, result, x[i]); break;
        default: result += x[i]; break;
        }
    }
    return reduction == SERIN_REDUCTION_MEAN ? result / (NUMBER)size : result;
}

static void NAME(reduce)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t groups = rows * stage->output->columns, size = stage->input->columns / stage->output->columns;
    for (size_t i = 0; i < groups; i++) y[i] = NAME(reduced)(stage->detail, x + i * size, size);
}

/// One row of an objective's transform: the formulas of `OutputTransform`.
SERIN_INLINE void NAME(transform_row)(uint32_t transform, const NUMBER *x, NUMBER *y, size_t columns) {
    switch (transform) {
    case SERIN_TRANSFORM_SOFTMAX: {
        NUMBER largest = x[0];
        for (size_t i = 1; i < columns; i++) largest = MATH(fmax)(x[i], largest);
        double sum = 0;
        for (size_t i = 0; i < columns; i++) sum += (double)(y[i] = MATH(exp)(x[i] - largest));
        for (size_t i = 0; i < columns; i++) y[i] /= (NUMBER)sum;
        return;
    }
    case SERIN_TRANSFORM_EXPONENTIAL:
        for (size_t i = 0; i < columns; i++) y[i] = MATH(exp)(x[i]);
        return;
    case SERIN_TRANSFORM_STEP:
        for (size_t i = 0; i < columns; i++) y[i] = x[i] > 0;
        return;
    case SERIN_TRANSFORM_SIGNED_SQUARE:
        for (size_t i = 0; i < columns; i++) y[i] = x[i] < 0 ? -(x[i] * x[i]) : x[i] * x[i];
        return;
    case SERIN_TRANSFORM_SOFTPLUS:
        for (size_t i = 0; i < columns; i++) y[i] = MATH(log1p)(MATH(exp)(x[i]));
        return;
    case SERIN_TRANSFORM_FAST_SOFTMAX: {
        NUMBER largest = x[0], sum = 0;
        for (size_t i = 1; i < columns; i++) largest = MATH(fmax)(x[i], largest);
        for (size_t i = 0; i < columns; i++) {
            y[i] = (NUMBER)serin_fast_exponential((double)(x[i] - largest));
            sum += y[i];
        }
        for (size_t i = 0; i < columns; i++) y[i] /= sum;
        return;
    }
    case SERIN_TRANSFORM_FAST_EXPONENTIAL:
        for (size_t i = 0; i < columns; i++) y[i] = (NUMBER)serin_fast_exponential((double)x[i]);
        return;
    default: memcpy(y, x, columns * sizeof(NUMBER)); return;
    }
}

static void NAME(transform)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t columns = stage->output->columns;
    if (stage->detail == SERIN_TRANSFORM_SIGMOID) {
        OBJECTIVE_SIGMOIDS(x, y, rows * columns, stage->scalars[0]);
        return;
    }
    for (size_t row = 0; row < rows; row++, x += columns, y += columns)
        NAME(transform_row)(stage->detail, x, y, columns);
}

static void NAME(run)(const serin_stage_view *stage, const NUMBER *x, NUMBER *y, size_t rows) {
    const size_t columns = stage->output->columns;
    switch (stage->kind) {
    case SERIN_STAGE_SELECT: NAME(select)(stage, x, y, rows); return;
    case SERIN_STAGE_IMPUTE: NAME(impute)(stage, x, y, rows); return;
    case SERIN_STAGE_SCALE: NAME(scale)(stage, x, y, rows); return;
    case SERIN_STAGE_ARITHMETIC:
        NAME(combine)(stage->detail, x, columns, stage->parameters[0], 0, y, rows, columns);
        return;
    case SERIN_STAGE_COMBINE:
        NAME(combine)(stage->detail, x, 2 * columns, x + columns, 2 * columns, y, rows, columns);
        return;
    case SERIN_STAGE_ONE_HOT: NAME(one_hot)(stage, x, y, rows); return;
    case SERIN_STAGE_LOOKUP: NAME(look_up)(stage, x, y, rows); return;
    case SERIN_STAGE_CLIP: NAME(clip)(stage, x, y, rows); return;
    case SERIN_STAGE_LOG: NAME(log)(stage, x, y, rows); return;
    case SERIN_STAGE_BUCKET: NAME(bucket)(stage, x, y, rows); return;
    case SERIN_STAGE_BINARIZE: NAME(binarize)(stage, x, y, rows); return;
    case SERIN_STAGE_NORMALIZE: NAME(normalize)(stage, x, y, rows); return;
    case SERIN_STAGE_DENSE: NAME(dense)(stage, x, y, rows); return;
    case SERIN_STAGE_TRANSFORM: NAME(transform)(stage, x, y, rows); return;
    case SERIN_STAGE_ACTIVATION:
        memcpy(y, x, rows * columns * sizeof(NUMBER));
        NAME(activate)(stage->detail, y, rows, columns);
        return;
    case SERIN_STAGE_PLATT: NAME(platt)(stage, x, y, rows); return;
    case SERIN_STAGE_ISOTONIC: NAME(isotonic)(stage, x, y, rows); return;
    case SERIN_STAGE_COMPLEMENT: NAME(complement)(x, y, rows); return;
    case SERIN_STAGE_COMPARE: NAME(compare)(stage, x, y, rows); return;
    case SERIN_STAGE_CHOOSE: NAME(choose)(stage, x, y, rows); return;
    case SERIN_STAGE_REDUCE: NAME(reduce)(stage, x, y, rows); return;
    }
}
