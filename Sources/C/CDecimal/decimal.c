// One number at a time, on any machine, and the choice of the reader.
#include "decimal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const double serin_decimal_powers[SERIN_DECIMAL_DIGITS + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
};

static const uint64_t whole_powers[SERIN_DECIMAL_DIGITS + 1] = {
    1ull,
    10ull,
    100ull,
    1000ull,
    10000ull,
    100000ull,
    1000000ull,
    10000000ull,
    100000000ull,
    1000000000ull,
    10000000000ull,
    100000000000ull,
    1000000000000ull,
    10000000000000ull,
    100000000000000ull,
    1000000000000000ull,
    10000000000000000ull,
    100000000000000000ull,
    1000000000000000000ull,
    10000000000000000000ull,
};

/// (high × 2^64 + low) / divisor, for high < divisor.
static inline uint64_t divide(uint64_t high, uint64_t low, uint64_t divisor, uint64_t *remainder) {
#if defined(__x86_64__)
    uint64_t quotient;
    __asm__("divq %[divisor]" : "=a"(quotient), "=d"(*remainder) : "a"(low), "d"(high), [divisor] "r"(divisor) : "cc");
    return quotient;
#else
    unsigned __int128 value = (unsigned __int128)high << 64 | low;
    *remainder = (uint64_t)(value % divisor);
    return (uint64_t)(value / divisor);
#endif
}

double serin_decimal_divide(uint64_t digits, unsigned places) {
    // Both with their highest bit at 63: the quotient has 63 or 64 bits, and with "is there a rest"
    // as one bit more it is rounded as if it had all of them.
    uint64_t divisor = whole_powers[places];
    int digits_shift = __builtin_clzll(digits);
    int divisor_shift = __builtin_clzll(divisor);
    uint64_t remainder;
    digits <<= digits_shift;
    uint64_t quotient = divide(digits >> 1, digits << 63, divisor << divisor_shift, &remainder);
    int exponent = divisor_shift - digits_shift - 63;
    if (!(quotient >> 63)) {
        // 63 bits: the rest decides only whether it is more than what is there, so a place is free for it.
        quotient <<= 1;
        exponent -= 1;
    }
    uint64_t mantissa = quotient >> 11;
    uint64_t below = (quotient & 0x7ff) << 1 | (remainder != 0);
    mantissa += below > 0x800 || (below == 0x800 && (mantissa & 1));
    // Rounding up to 2^53 is a carry into the exponent, as it should be.
    uint64_t bits = ((uint64_t)(exponent + 11 + 52 + 1023) << 52) + (mantissa - (1ull << 52));
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline int is_digit(char c) { return (unsigned char)(c - '0') < 10; }

static inline int is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

/// Behind the digits from `at`.
static const char *skip_digits(const char *at) {
    while (is_digit(*at)) at++;
    return at;
}

/// Whether the bytes are a number as JSON has it.
static int is_number(const char *at, const char *end) {
    if (*at == '-') at++;
    const char *whole = at;
    at = skip_digits(at);
    if (at == whole || (*whole == '0' && at - whole > 1)) return 0;
    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction);
        if (at == fraction) return 0;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (*at == '+' || *at == '-') at++;
        const char *exponent = at;
        at = skip_digits(at);
        if (at == exponent) return 0;
    }
    return at == end;
}

int serin_decimal_read_one(const char *text, const char *end, double *value) {
    while (text < end && is_space(*text)) text++;
    while (text < end && is_space(end[-1])) end--;
    if (end - text == 4 && memcmp(text, "null", 4) == 0) {
        *value = NAN;
        return 1;
    }
    if (text == end || !is_number(text, end)) return 0;
    // A number that long is no measurement; the strict parser may have it.
    if (end - text > 40) return 0;
    char copy[48];
    memcpy(copy, text, (size_t)(end - text));
    copy[end - text] = 0;
    // The process never leaves the C locale.
    *value = strtod(copy, NULL);
    // An integer -0 is 0: JSON's integers have no negative zero here.
    if (*value == 0 && !memchr(text, '.', (size_t)(end - text)) && !memchr(text, 'e', (size_t)(end - text)) &&
        !memchr(text, 'E', (size_t)(end - text)))
        *value = 0;
    return isfinite(*value);
}

/// Digits and a point without anything else, by hand; the rest by the slow way.
static int read_token(const char *text, const char *end, double *value) {
    const char *at = text;
    if (*at == ' ') at++;
    int negative = *at == '-';
    at += negative;
    const char *start = at;
    uint64_t digits = 0;
    while (is_digit(*at)) digits = digits * 10 + (uint64_t)(*at++ - '0');
    size_t whole = (size_t)(at - start);
    size_t places = 0;
    if (*at == '.' && at < end) {
        const char *fraction = ++at;
        while (is_digit(*at)) digits = digits * 10 + (uint64_t)(*at++ - '0');
        places = (size_t)(at - fraction);
        if (places == 0) return 0;
    }
    if (at != end || whole == 0 || whole + places > SERIN_DECIMAL_DIGITS || (*start == '0' && whole > 1))
        return serin_decimal_read_one(text, end, value);
    *value = serin_decimal_scale(digits, places);
    // `-0` is an integer, and integers have no negative zero; `-0.0` is a number and does.
    if (negative && (places > 0 || digits > 0)) *value = -*value;
    return 1;
}

/// The reader for any machine.
#define DEFINE_READ(NAME, NUMBER)                                                                 \
    const char *NAME(const char *text, const char *end, NUMBER *values, size_t count) {           \
        for (size_t i = 0; i < count; i++) {                                                      \
            const char *stop = text;                                                              \
            while (stop < end && *stop != ',' && *stop != ']') stop++;                            \
            double value;                                                                         \
            if (stop == end || (*stop == ']') != (i + 1 == count)) return NULL;                   \
            if (!read_token(text, stop, &value)) return NULL;                       \
            values[i] = (NUMBER)value;                                                            \
            if (isinf(values[i])) return NULL;                                                    \
            text = stop + 1;                                                                      \
        }                                                                                         \
        return text;                                                                              \
    }

DEFINE_READ(serin_decimal_read_floats_scalar, float)
DEFINE_READ(serin_decimal_read_doubles_scalar, double)

const char *serin_decimal_read_floats(const char *text, const char *end, float *values, size_t count) {
#if defined(__x86_64__)
    if (serin_decimal_has_avx512()) return serin_decimal_read_floats_avx512(text, end, values, count);
#endif
    return serin_decimal_read_floats_scalar(text, end, values, count);
}

const char *serin_decimal_read_doubles(const char *text, const char *end, double *values, size_t count) {
#if defined(__x86_64__)
    if (serin_decimal_has_avx512()) return serin_decimal_read_doubles_avx512(text, end, values, count);
#endif
    return serin_decimal_read_doubles_scalar(text, end, values, count);
}
