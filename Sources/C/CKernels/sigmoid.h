// XGBoost's logistic function of floats: 1 / (e^-x + 1), with its bounds.
//
// e^x as glibc has it (and Arm's optimized routines, where Szabolcs Nagy describes it): in double, x = (k + r) ln 2 / 32,
// 2^(k/32) from a table and the exponent's bits, 2^(r/32) by a polynomial of degree 3, and one rounding to float at
// the end.  Without a call it goes into SIMD registers.  The result is that of glibc's expf for every float (of
// 3,258,017,384 arguments the power itself differs for two, and none of the results): LinearKernelTests.
#pragma once

#include "kernels.h"

#include <string.h>

/// Bits of 2^(i/32), less i in the place where k is added.
static const uint64_t serin_powers[32] __attribute__((aligned(64))) = {
    0x3ff0000000000000ull, 0x3fefd9b0d3158574ull, 0x3fefb5586cf9890full, 0x3fef9301d0125b51ull, 0x3fef72b83c7d517bull,
    0x3fef54873168b9aaull, 0x3fef387a6e756238ull, 0x3fef1e9df51fdee1ull, 0x3fef06fe0a31b715ull, 0x3feef1a7373aa9cbull,
    0x3feedea64c123422ull, 0x3feece086061892dull, 0x3feebfdad5362a27ull, 0x3feeb42b569d4f82ull, 0x3feeab07dd485429ull,
    0x3feea47eb03a5585ull, 0x3feea09e667f3bcdull, 0x3fee9f75e8ec5f74ull, 0x3feea11473eb0187ull, 0x3feea589994cce13ull,
    0x3feeace5422aa0dbull, 0x3feeb737b0cdc5e5ull, 0x3feec49182a3f090ull, 0x3feed503b23e255dull, 0x3feee89f995ad3adull,
    0x3feeff76f2fb5e47ull, 0x3fef199bdd85529cull, 0x3fef3720dcef9069ull, 0x3fef5818dcfba487ull, 0x3fef7c97337b9b5full,
    0x3fefa4afa2a490daull, 0x3fefd0765b6e4540ull,
};

/// k / 32 in the bits above the lowest 5, r / 32 and the polynomial.
#define SERIN_POWER_STEPS (0x1.71547652b82fep+0 * 32)
#define SERIN_POWER_ROUNDER 0x1.8p+52
#define SERIN_POWER_3 (0x1.c6af84b912394p-5 / 32 / 32 / 32)
#define SERIN_POWER_2 (0x1.ebfce50fac4f3p-3 / 32 / 32)
#define SERIN_POWER_1 (0x1.62e42ff0c52d6p-1 / 32)
#define SERIN_POWER_SHIFT 47
/// Beyond these, e^-x + 1 is 1 and the most that XGBoost lets it be.
#define SERIN_SIGMOID_LOW -104.0f
#define SERIN_SIGMOID_HIGH 88.7f

SERIN_INLINE float serin_sigmoid(float margin) {
    // A NaN stays one.
    float x = SERIN_SIGMOID_HIGH < -margin ? SERIN_SIGMOID_HIGH : -margin;
    x = x < SERIN_SIGMOID_LOW ? SERIN_SIGMOID_LOW : x;
    const double steps = SERIN_POWER_STEPS * (double)x;
    double whole = steps + SERIN_POWER_ROUNDER;
    uint64_t bits;
    memcpy(&bits, &whole, sizeof bits);
    whole -= SERIN_POWER_ROUNDER;
    const double rest = steps - whole;
    const uint64_t scale_bits = serin_powers[bits % 32] + (bits << SERIN_POWER_SHIFT);
    double scale;
    memcpy(&scale, &scale_bits, sizeof scale);
    const double high = SERIN_POWER_3 * rest + SERIN_POWER_2, low = SERIN_POWER_1 * rest + 1;
    const float power = (float)((high * (rest * rest) + low) * scale);
    return 1.0f / (power + 1.0f + 1e-16f);
}

SERIN_INLINE void serin_sigmoids(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = serin_sigmoid(x[i]);
}
