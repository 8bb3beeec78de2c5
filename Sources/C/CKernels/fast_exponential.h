// CatBoost's own exponential function, bit for bit: see FastExponential in ModelFormat, which says
// the same in Swift and whose constants these are.
#pragma once

#include "kernels.h"

#include <math.h>

SERIN_INLINE double serin_fast_exponential(double x) {
    const double lowest = -708.39641853226408, highest = 709.78271289338397;
    if (x != x) return x;
    double bounded = x > highest ? highest : x < lowest ? lowest : x;
    // 2048 / log(2), rounded.
    const double factor = 0x1.71547652b82fep+11;
    // Adding it leaves the whole part of a number in the low bits.
    const double whole_part = 0x1.8p+52;
    double whole = (bounded * factor + whole_part) - whole_part;
    double rest = whole * (1.0 / factor) - bounded;
    int32_t steps = (int32_t)whole;
    int32_t fraction = steps & 2047;
    double power = scalbn(exp2(fraction * (1.0 / 2048.0)), (steps - fraction) / 2048);
    return ((3.0000000027955394 - rest) * (rest * rest) * 0.16666666685227835064 - rest + 1.0) * power;
}
