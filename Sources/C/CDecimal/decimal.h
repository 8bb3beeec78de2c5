// What the readers share: from an integer of digits to the nearest double.
#pragma once

#include "serin_decimal.h"

/// 10^19 is below 2^64, so 19 digits are always a 64-bit integer.
#define SERIN_DECIMAL_DIGITS 19

extern const double serin_decimal_powers[SERIN_DECIMAL_DIGITS + 1];

/// digits / 10^places, rounded to nearest even; digits above 0.
double serin_decimal_divide(uint64_t digits, unsigned places);

/// A number of any form, or null, with white space around it; 0: it is neither, or not finite.
int serin_decimal_read_one(const char *text, const char *end, double *value);

/// digits / 10^places, rounded to nearest even.
static inline __attribute__((always_inline)) double serin_decimal_scale(uint64_t digits, size_t places) {
    // Both sides of the division are exact up to 2^53 and 10^22, so it rounds once.
    if (digits <= 1ull << 53) return (double)digits / serin_decimal_powers[places];
    return places == 0 ? (double)digits : serin_decimal_divide(digits, (unsigned)places);
}

#if defined(__x86_64__)
static inline int serin_decimal_has_avx512(void) {
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("bmi2");
}
const char *serin_decimal_read_floats_avx512(const char *text, const char *end, float *values, size_t count);
const char *serin_decimal_read_doubles_avx512(const char *text, const char *end, double *values, size_t count);
#endif
