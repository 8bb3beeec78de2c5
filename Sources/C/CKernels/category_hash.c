// CatBoost's hash of a category's code: CityHash64 of its decimal digits, the low 32 bits.
//
// CityHash and CategoryHash in ModelFormat say the same in Swift, for texts of any length; digits of a
// 64-bit number are 1 to 20 bytes.
#include "kernels.h"
#include "serin_counters.h"

#include <math.h>
#include <string.h>

static const uint64_t k0 = 0xc3a5c85c97cb3127ull;
static const uint64_t k1 = 0xb492b66fbe98f273ull;
static const uint64_t k2 = 0x9ae16a3b2f90404full;
static const uint64_t k3 = 0xc949d7c7509e6557ull;

SERIN_INLINE uint64_t word(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

SERIN_INLINE uint64_t half_word(const uint8_t *bytes) {
    uint32_t half;
    memcpy(&half, bytes, sizeof half);
    return half;
}

/// `shift` is 1 to 63.
SERIN_INLINE uint64_t rotate(uint64_t value, uint64_t shift) { return value >> shift | value << (64 - shift); }

SERIN_INLINE uint64_t fold(uint64_t value) { return value ^ value >> 47; }

SERIN_INLINE uint64_t mix(uint64_t low, uint64_t high) {
    const uint64_t factor = 0x9ddfea08eb382d69ull;
    const uint64_t first = fold((low ^ high) * factor);
    return fold((high ^ first) * factor) * factor;
}

/// CityHash64 of 1 to 32 bytes.
static uint64_t city_hash(const uint8_t *bytes, size_t count) {
    if (count > 16) {
        const uint64_t a = word(bytes) * k1, b = word(bytes + 8);
        const uint64_t c = word(bytes + count - 8) * k2, d = word(bytes + count - 16) * k0;
        return mix(rotate(a - b, 43) + rotate(c, 30) + d, a + rotate(b ^ k3, 20) - c + count);
    }
    if (count > 8) {
        const uint64_t last = word(bytes + count - 8);
        return mix(word(bytes), rotate(last + count, count)) ^ last;
    }
    if (count >= 4) return mix(count + (half_word(bytes) << 3), half_word(bytes + count - 4));
    const uint32_t front = bytes[0] + ((uint32_t)bytes[count / 2] << 8);
    const uint32_t back = (uint32_t)count + ((uint32_t)bytes[count - 1] << 2);
    return fold(front * k2 ^ back * k3) * k2;
}

static uint32_t decimal_hash(int64_t code) {
    uint8_t digits[20];
    uint8_t *first = digits + sizeof digits;
    uint64_t rest = code < 0 ? -(uint64_t)code : (uint64_t)code;
    do {
        *--first = (uint8_t)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (code < 0) *--first = '-';
    return (uint32_t)city_hash(first, (size_t)(digits + sizeof digits - first));
}

uint32_t serin_category_hash(double code, const uint32_t *hashes, size_t count) {
    if (code > -1 && code < (double)count) return hashes[(size_t)code];
    if (code > -0x1p63 && code < 0x1p63) return decimal_hash((int64_t)code);
    if (code != code) return (uint32_t)city_hash((const uint8_t *)"nan", 3);
    return code > 0 ? (uint32_t)city_hash((const uint8_t *)"inf", 3) : (uint32_t)city_hash((const uint8_t *)"-inf", 4);
}
