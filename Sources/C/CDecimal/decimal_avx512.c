// Numbers by the register, without a branch on what they look like.
//
//     …,285.1499938964844,…     32 bytes that end where the number ends, and the same a byte earlier:
//     000…02851499938964844     behind the point the first, in front of it the second, so no point is left
//                               eight numbers at a time: pairs, fours, eights of digits ─► integers ─► ÷ 10^k
//
// The separators of 64 bytes are found at once, so no number waits for the one before. A block of
// numbers is first cut out, one by one, and then converted side by side. Those that are no plain
// numbers (null, exponents, blanks) come out marked and are read one by one afterwards.
//
// A float needs no exact double: a product with 10^-k instead of a quotient is off by two units at the
// most, and rounds to the same float unless it lies next to the middle between two, which is looked at.
#include "decimal.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512cd,avx512bw,avx512vl,avx512dq,bmi,bmi2,lzcnt,popcnt")))
#define INLINE static inline __attribute__((always_inline))

enum { BLOCK = 64 };

/// A block of numbers, cut out.
typedef struct {
    /// A number's digits at the end of its 32 bytes, zeros in front.
    _Alignas(64) uint8_t digits[BLOCK][32];
    /// Of 10: what the digits are divided by, or for floats multiplied with.
    double powers[BLOCK];
    const char *starts[BLOCK];
    /// Bytes from the first digit on, and the first of them.
    uint32_t lengths[BLOCK];
    uint32_t firsts[BLOCK];
    /// The lane of the point; 0: none.
    uint32_t points[BLOCK];
    uint32_t negatives[BLOCK];
} block_t;

/// 10^places by the number of lanes behind the point; 32: there is none.
static const double powers_behind[33] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

/// 10^-places, rounded.
static const double inverse_powers_behind[33] = {
    1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17,
    1e-18, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

/// Cuts the number out that stands between two separators.
TARGET INLINE void cut(block_t *block, size_t index, const char *text, const char *stop, const double *powers) {
    const char *at = text + (*text == ' ');
    uint32_t negative = *at == '-';
    at += negative;
    uint32_t length = (uint32_t)(stop - at);
    uint32_t inside = ~0u << (-length & 31);
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(stop - 32));
    uint32_t point = _mm256_cmpeq_epi8_mask(bytes, _mm256_set1_epi8('.')) & inside;
    uint32_t has_point = point != 0;
    __m256i joined = _mm256_mask_loadu_epi8(bytes, point * 2 - has_point, stop - 33);
    __m256i digits = _mm256_maskz_sub_epi8(inside << has_point, joined, _mm256_set1_epi8('0'));
    _mm256_store_si256((__m256i *)block->digits[index], digits);
    block->powers[index] = powers[_lzcnt_u32(point)];
    block->starts[index] = text;
    block->lengths[index] = length;
    block->firsts[index] = (uint8_t)*at;
    block->points[index] = point;
    block->negatives[index] = negative;
}

/// Which of sixteen numbers are not 1 to 19 digits with at most one point among them, without
/// needless zeros in front.
TARGET INLINE uint32_t odd_forms(const block_t *block, size_t first) {
    const __m512i one = _mm512_set1_epi32(1);
    __m512i length = _mm512_loadu_si512(block->lengths + first);
    __m512i point = _mm512_loadu_si512(block->points + first);
    __mmask16 has_point = _mm512_test_epi32_mask(point, point);
    __m512i count = _mm512_mask_sub_epi32(length, has_point, length, one);
    __m512i whole = _mm512_mask_sub_epi32(length, has_point, count, _mm512_lzcnt_epi32(point));
    __mmask16 odd = _mm512_cmpge_epu32_mask(_mm512_sub_epi32(count, one), _mm512_set1_epi32(SERIN_DECIMAL_DIGITS));
    // Two points, one behind all digits, or in front of them.
    odd |= _mm512_test_epi32_mask(point, _mm512_sub_epi32(point, one));
    odd |= _mm512_cmplt_epi32_mask(point, _mm512_setzero_si512());
    odd |= _mm512_cmpeq_epi32_mask(whole, _mm512_setzero_si512());
    __mmask16 zero = _mm512_cmpeq_epi32_mask(_mm512_loadu_si512(block->firsts + first), _mm512_set1_epi32('0'));
    return odd | _mm512_mask_cmpgt_epu32_mask(zero, whole, one);
}

/// The numbers with a byte that is no digit.
TARGET INLINE uint64_t odd_digits(const block_t *block, size_t count) {
    const __m512i nine = _mm512_set1_epi8(9);
    __mmask64 any = 0;
    for (size_t i = 0; i < count; i += 2) any |= _mm512_cmpgt_epu8_mask(_mm512_load_si512(block->digits[i]), nine);
    if (any == 0) return 0;
    uint64_t odd = 0;
    for (size_t i = 0; i < count; i += 2) {
        uint64_t bytes = _mm512_cmpgt_epu8_mask(_mm512_load_si512(block->digits[i]), nine);
        odd |= (uint64_t)((uint32_t)bytes != 0) << i | (uint64_t)(bytes >> 32 != 0) << (i + 1);
    }
    return odd;
}

/// Four numbers' digits to groups of 16: the upper ones and the lower ones of 1, 3 and of 2, 4.
TARGET INLINE __m512i sixteens(const block_t *block, size_t first) {
    const __m512i tens = _mm512_set1_epi16(1 << 8 | 10), hundreds = _mm512_set1_epi32(1 << 16 | 100);
    __m512i pairs_a = _mm512_maddubs_epi16(_mm512_load_si512(block->digits[first]), tens);
    __m512i pairs_b = _mm512_maddubs_epi16(_mm512_load_si512(block->digits[first + 2]), tens);
    __m512i fours = _mm512_packus_epi32(_mm512_madd_epi16(pairs_a, hundreds), _mm512_madd_epi16(pairs_b, hundreds));
    __m512i eights = _mm512_madd_epi16(fours, _mm512_set1_epi32(1 << 16 | 10000));
    __m512i upper = _mm512_mul_epu32(eights, _mm512_set1_epi64(100000000));
    return _mm512_add_epi64(upper, _mm512_srli_epi64(eights, 32));
}

/// Eight numbers' digits as integers.
TARGET INLINE __m512i integers(const block_t *block, size_t first) {
    __m512i left = sixteens(block, first), right = sixteens(block, first + 4);
    const __m512i upper_lanes = _mm512_setr_epi64(0, 4, 1, 5, 8, 12, 9, 13);
    const __m512i lower_lanes = _mm512_setr_epi64(2, 6, 3, 7, 10, 14, 11, 15);
    __m512i upper = _mm512_permutex2var_epi64(left, upper_lanes, right);
    __m512i lower = _mm512_permutex2var_epi64(left, lower_lanes, right);
    return _mm512_add_epi64(_mm512_mullo_epi64(upper, _mm512_set1_epi64(10000000000000000)), lower);
}

/// Eight numbers with their signs from their sizes.
TARGET INLINE __m512d with_signs(const block_t *block, size_t first, __m512i digits, __m512d sizes) {
    __m512i negative = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(block->negatives + first)));
    __m512i point = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(block->points + first)));
    // `-0` is an integer, and integers have no negative zero; `-0.0` is a number and does.
    __mmask8 is_signed = _mm512_test_epi64_mask(_mm512_or_si512(digits, point), _mm512_set1_epi64(-1));
    __m512i sign = _mm512_maskz_slli_epi64(is_signed, negative, 63);
    return _mm512_or_pd(sizes, _mm512_castsi512_pd(sign));
}

/// A number by exact arithmetic.
TARGET static double exact(const block_t *block, size_t index, uint64_t digits) {
    // More than 18 places, and none: 10^0, as in the tables; the former are odd and read again.
    size_t places = _lzcnt_u32(block->points[index]);
    if (places >= SERIN_DECIMAL_DIGITS) places = 0;
    double value = serin_decimal_scale(digits, places);
    return block->negatives[index] ? -value : value;
}

TARGET INLINE __mmask8 first_lanes(size_t count) { return (__mmask8)_bzhi_u32(0xff, count < 8 ? (unsigned)count : 8); }

/// Of the lanes, those whose digits are above 2^53.
TARGET INLINE __mmask8 large_lanes(__mmask8 lanes, __m512i digits) {
    return _mm512_mask_cmpgt_epu64_mask(lanes, digits, _mm512_set1_epi64(1ll << 53));
}

TARGET INLINE void convert_floats(const block_t *block, size_t first, size_t count, float *values) {
    __m512i digits = integers(block, first);
    __m512d size = _mm512_mul_pd(_mm512_cvtepu64_pd(digits), _mm512_loadu_pd(block->powers + first));
    __m512d quotient = with_signs(block, first, digits, size);
    __mmask8 wanted = first_lanes(count);
    _mm256_mask_storeu_ps(values, wanted, _mm512_cvtpd_ps(quotient));
    // What a float drops, and how far that is from half a unit; the smallest floats drop more.
    __m512i rest = _mm512_and_si512(_mm512_castpd_si512(quotient), _mm512_set1_epi64(0x1fffffff));
    __m512i distance = _mm512_abs_epi64(_mm512_sub_epi64(rest, _mm512_set1_epi64(0x10000000)));
    __mmask8 near = _mm512_cmplt_epu64_mask(distance, _mm512_set1_epi64(4));
    near |= _mm512_cmp_pd_mask(_mm512_abs_pd(quotient), _mm512_set1_pd(0x1p-126), _CMP_LT_OQ);
    unsigned left = _mm512_mask_test_epi64_mask(near & wanted, digits, digits);
    if (__builtin_expect(left == 0, 1)) return;
    _Alignas(64) uint64_t whole[8];
    _mm512_store_si512(whole, digits);
    for (; left; left &= left - 1) {
        unsigned lane = _tzcnt_u32(left);
        values[lane] = (float)exact(block, first + lane, whole[lane]);
    }
}

TARGET INLINE void convert_doubles(const block_t *block, size_t first, size_t count, double *values) {
    __m512i digits = integers(block, first);
    __mmask8 wanted = first_lanes(count);
    // Right to the last bit where the digits are at most 2^53.
    __m512d size = _mm512_div_pd(_mm512_cvtepu64_pd(digits), _mm512_loadu_pd(block->powers + first));
    _mm512_mask_storeu_pd(values, wanted, with_signs(block, first, digits, size));
    _Alignas(64) uint64_t whole[8];
    _mm512_store_si512(whole, digits);
    for (unsigned left = large_lanes(wanted, digits); left; left &= left - 1) {
        unsigned lane = _tzcnt_u32(left);
        values[lane] = exact(block, first + lane, whole[lane]);
    }
}

/// Where the reader stands: the separators of 64 bytes that are still ahead.
typedef struct {
    const char *text;
    const char *window;
    uint64_t mask;
} cursor_t;

TARGET INLINE __mmask64 bytes_equal(const char *text, char wanted) {
    return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(text), _mm512_set1_epi8(wanted));
}

/// The first `]`; null: none. Counts the commas in front of it.
TARGET INLINE const char *find_end(const char *text, const char *end, size_t *commas) {
    for (*commas = 0; text < end; text += 64) {
        uint64_t bracket = bytes_equal(text, ']'), comma = bytes_equal(text, ',');
        *commas += (size_t)_mm_popcnt_u64(comma & (bracket ^ (bracket - 1)));
        if (bracket == 0) continue;
        const char *place = text + _tzcnt_u64(bracket);
        return place < end ? place : NULL;
    }
    return NULL;
}

/// Cuts the next `count` numbers out; the last one of all ends at `bracket`.
TARGET INLINE void cut_block(
    cursor_t *cursor, block_t *block, size_t count, const char *bracket, const double *powers) {
    for (size_t i = 0; i < count; i++) {
        while (cursor->mask == 0 && cursor->window + 64 <= bracket) {
            cursor->window += 64;
            cursor->mask = bytes_equal(cursor->window, ',');
        }
        const char *stop = cursor->window + _tzcnt_u64(cursor->mask);
        stop = stop < bracket ? stop : bracket;
        cursor->mask = _blsr_u64(cursor->mask);
        cut(block, i, cursor->text, stop, powers);
        cursor->text = stop + 1;
    }
}

/// The marked numbers, one by one; 0: one is none, or too large for the type.
#define READ_ODD(BLOCK, ODD, VALUES, NUMBER)                                                       \
    for (uint64_t left = ODD; left; left &= left - 1) {                                            \
        size_t i = _tzcnt_u64(left);                                                               \
        const char *text = (BLOCK)->starts[i];                                                     \
        const char *stop = text + (*text == ' ') + (BLOCK)->negatives[i] + (BLOCK)->lengths[i];    \
        double value;                                                                              \
        if (!serin_decimal_read_one(text, stop, &value)) return NULL;                              \
        VALUES[i] = (NUMBER)value;                                                                 \
        if (isinf(VALUES[i])) return NULL;                                                         \
    }

#define DEFINE_READ(NAME, NUMBER, CONVERT, POWERS)                                                 \
    TARGET const char *NAME(const char *text, const char *end, NUMBER *values, size_t count) {     \
        block_t block;                                                                             \
        size_t commas;                                                                             \
        const char *bracket = find_end(text, end, &commas);                                        \
        if (bracket == NULL || count == 0 || commas + 1 != count) return NULL;                     \
        cursor_t cursor = {text, text, bytes_equal(text, ',')};                                    \
        for (size_t done = 0; done < count; done += BLOCK, values += BLOCK) {                      \
            size_t taken = count - done < BLOCK ? count - done : BLOCK;                            \
            cut_block(&cursor, &block, taken, bracket, POWERS);                                    \
            for (size_t i = 0; i < taken; i += 8) CONVERT(&block, i, taken - i, values + i);       \
            uint64_t odd = odd_digits(&block, taken);                                              \
            for (size_t i = 0; i < taken; i += 16) odd |= (uint64_t)odd_forms(&block, i) << i;     \
            odd = _bzhi_u64(odd, (unsigned)taken);                                                 \
            READ_ODD(&block, odd, values, NUMBER)                                                  \
        }                                                                                          \
        return bracket + 1;                                                                        \
    }

DEFINE_READ(serin_decimal_read_floats_avx512, float, convert_floats, inverse_powers_behind)
DEFINE_READ(serin_decimal_read_doubles_avx512, double, convert_doubles, powers_behind)
#endif
