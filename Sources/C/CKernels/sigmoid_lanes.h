// serin_sigmoid of as many floats at a time as a vector holds doubles, with the same bits: the products are fused
// here, which changes none of the results (LinearKernelTests).
//
// FLOATS, DOUBLES and INTEGERS (vectors of SIGMOID_LANES), powers_of (those of serin_powers that the lowest 5 bits of
// each integer name) and FMA are the family's.

SERIN_INLINE FLOATS sigmoid_lanes(FLOATS margins) {
    FLOATS x = -margins;
    x = x > SERIN_SIGMOID_HIGH ? (FLOATS)SERIN_SIGMOID_HIGH : x;
    x = x < SERIN_SIGMOID_LOW ? (FLOATS)SERIN_SIGMOID_LOW : x;
    const DOUBLES steps = SERIN_POWER_STEPS * __builtin_convertvector(x, DOUBLES);
    DOUBLES whole = steps + SERIN_POWER_ROUNDER;
    const INTEGERS bits = (INTEGERS)whole;
    whole -= SERIN_POWER_ROUNDER;
    const DOUBLES rest = steps - whole;
    const DOUBLES scale = (DOUBLES)(powers_of(bits) + (bits << SERIN_POWER_SHIFT));
    const DOUBLES high = FMA((DOUBLES)SERIN_POWER_3, rest, (DOUBLES)SERIN_POWER_2);
    const DOUBLES low = FMA((DOUBLES)SERIN_POWER_1, rest, (DOUBLES)1.0);
    const FLOATS power = __builtin_convertvector(FMA(high, rest * rest, low) * scale, FLOATS);
    return 1.0f / (power + 1.0f + 1e-16f);
}

static void sigmoids_float(const float *x, float *y, size_t count) {
    size_t i = 0;
    for (; i + SIGMOID_LANES <= count; i += SIGMOID_LANES) {
        FLOATS margins;
        memcpy(&margins, x + i, sizeof margins);
        margins = sigmoid_lanes(margins);
        memcpy(y + i, &margins, sizeof margins);
    }
    for (; i < count; i++) y[i] = serin_sigmoid(x[i]);
}
