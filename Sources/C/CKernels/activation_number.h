// Activations without branches and without calls, so that the compiler turns the loops into SIMD.
//
// e^x: n = round(x / ln 2), r = x - n ln 2 (ln 2 in two parts, the first with enough zeros that n
// times it is exact: Cody and Waite), e^r by its Taylor series, then 2^n by adding to the exponent,
// in two halves because n can leave the exponent's range by itself.  Rounding is done by adding and
// taking away 1.5 × 2^(digits - 1), whose low bits then hold n.  Error: below 2 units in the last place.
//
// tanh goes through e^2x - 1, made from the series without its 1, so that small x keep all digits.
// Everything is one rounding after the other (-ffp-contract=off): every family gives the same bits.
//
// NUMBER, NAME(x), BITS, SHIFT (of the exponent), LOG2E, LN2_HIGH, LN2_LOW, ROUNDER, SERIES (its
// length), EXP_LOW, EXP_HIGH and TANH_MAX are the includer's.

SERIN_INLINE NUMBER NAME(from_bits)(BITS bits) {
    NUMBER number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

SERIN_INLINE BITS NAME(to_bits)(NUMBER number) {
    BITS bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/// e^x = 2^n (1 + e^r - 1): n in the low bits of `n`, e^r - 1.
SERIN_INLINE NUMBER NAME(reduce_argument)(NUMBER x, BITS *n) {
    static const NUMBER inverse_factorials[] = {
        1, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800,
        1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0,
    };
    const NUMBER rounded = x * LOG2E + ROUNDER;
    const NUMBER count = rounded - ROUNDER;
    const NUMBER r = x - count * LN2_HIGH - count * LN2_LOW;
    NUMBER sum = inverse_factorials[SERIES - 1];
#pragma clang loop unroll(full)
    for (int i = SERIES - 2; i >= 0; i--) sum = sum * r + inverse_factorials[i];
    *n = NAME(to_bits)(rounded) - NAME(to_bits)(ROUNDER);
    return sum * r;
}

/// 2^n for n in the range of normal numbers.
SERIN_INLINE NUMBER NAME(power_of_two)(BITS n) { return NAME(from_bits)((n << SHIFT) + NAME(to_bits)(1)); }

SERIN_INLINE NUMBER NAME(exponential)(NUMBER x) {
    // Comparisons with NaN are false, so a NaN passes.
    x = x < EXP_LOW ? EXP_LOW : x;
    x = x > EXP_HIGH ? EXP_HIGH : x;
    BITS n;
    const NUMBER tail = NAME(reduce_argument)(x, &n);
    const BITS half = (BITS)((SIGNED_BITS)n >> 1);
    return (1 + tail) * NAME(power_of_two)(half) * NAME(power_of_two)(n - half);
}

SERIN_INLINE NUMBER NAME(sigmoid)(NUMBER x) { return 1 / (1 + NAME(exponential)(-x)); }

SERIN_INLINE NUMBER NAME(tanh)(NUMBER x) {
    const BITS sign = NAME(to_bits)(x) & NAME(to_bits)(-(NUMBER)0);
    NUMBER size = NAME(from_bits)(NAME(to_bits)(x) ^ sign);
    size = size > TANH_MAX ? TANH_MAX : size;
    BITS n;
    const NUMBER tail = NAME(reduce_argument)(2 * size, &n);
    const NUMBER power = NAME(power_of_two)(n);
    const NUMBER less_one = power * tail + (power - 1);
    return NAME(from_bits)(NAME(to_bits)(less_one / (less_one + 2)) | sign);
}

/// The sum runs from the first column to the last, as every family's does.
static void NAME(softmax)(NUMBER *y, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++, y += columns) {
        NUMBER largest = y[0];
        for (size_t i = 1; i < columns; i++) largest = largest < y[i] ? y[i] : largest;
        for (size_t i = 0; i < columns; i++) y[i] = NAME(exponential)(y[i] - largest);
        NUMBER sum = 0;
        for (size_t i = 0; i < columns; i++) sum += y[i];
        for (size_t i = 0; i < columns; i++) y[i] /= sum;
    }
}

/// Activates [rows][columns] in place.
static void NAME(activate)(uint32_t activation, NUMBER *y, size_t rows, size_t columns) {
    const size_t count = rows * columns;
#define EACH(EXPRESSION)                                                                                       \
    for (size_t i = 0; i < count; i++) {                                                                       \
        const NUMBER x = y[i];                                                                                 \
        y[i] = EXPRESSION;                                                                                     \
    }                                                                                                          \
    return
    switch (activation) {
    case SERIN_ACTIVATION_RELU: EACH(x < 0 ? 0 : x);
    case SERIN_ACTIVATION_SIGMOID: EACH(NAME(sigmoid)(x));
    case SERIN_ACTIVATION_TANH: EACH(NAME(tanh)(x));
    case SERIN_ACTIVATION_SOFTMAX: NAME(softmax)(y, rows, columns); return;
    case SERIN_ACTIVATION_EXPONENTIAL: EACH(NAME(exponential)(x));
    case SERIN_ACTIVATION_LOGARITHM: EACH(MATH(log)(x));
    case SERIN_ACTIVATION_NEGATE: EACH(-x);
    case SERIN_ACTIVATION_ABSOLUTE: EACH(MATH(fabs)(x));
    case SERIN_ACTIVATION_RECIPROCAL: EACH(1 / x);
    case SERIN_ACTIVATION_SQUARE_ROOT: EACH(MATH(sqrt)(x));
    case SERIN_ACTIVATION_TRUNCATE: EACH(MATH(trunc)(x));
    case SERIN_ACTIVATION_FLOOR: EACH(MATH(floor)(x));
    }
#undef EACH
}
