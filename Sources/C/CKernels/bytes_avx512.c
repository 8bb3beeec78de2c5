// Slot bytes with AVX-512: each step of serin_bytes.h is one compare of sixteen thresholds with the
// broadcast value, or two of eight doubles.
//
//     row ──► ranks of 8 columns ─► a word ─┐
//                                           ├─► register of columns ──vpermb──► register of slots
//     row ──► NaN masks of features ────────────────────────vpermb──► mask: missing byte instead
//
// Ranks meet in general registers, not in memory: eight byte stores and a 64-byte load behind them
// would wait for each other.  Forests of at most 64 features and 64 slots find their missing values
// sixteen features at a time; others look once a column.  32 values of float take 78 to 104 ns.
#include "avx512.h"
#include "bytes.h"

#if defined(__x86_64__)

AVX512_INLINE uint32_t passed_float(const float *thresholds, __m512 value, int inclusive) {
    __m512 own = _mm512_loadu_ps(thresholds);
    __mmask16 passed =
        inclusive ? _mm512_cmp_ps_mask(own, value, _CMP_LE_OQ) : _mm512_cmp_ps_mask(own, value, _CMP_LT_OQ);
    return (uint32_t)__builtin_popcount(passed);
}

AVX512_INLINE uint32_t passed_double(const double *thresholds, __m512d value, int inclusive) {
    __m512d low = _mm512_loadu_pd(thresholds), high = _mm512_loadu_pd(thresholds + 8);
    __mmask8 first, second;
    if (inclusive) {
        first = _mm512_cmp_pd_mask(low, value, _CMP_LE_OQ);
        second = _mm512_cmp_pd_mask(high, value, _CMP_LE_OQ);
    } else {
        first = _mm512_cmp_pd_mask(low, value, _CMP_LT_OQ);
        second = _mm512_cmp_pd_mask(high, value, _CMP_LT_OQ);
    }
    return (uint32_t)__builtin_popcount(_mm512_kunpackb(second, first));
}

/// The rank of column `c`, in one step or two.
AVX512_INLINE uint64_t rank_of(
    const serin_forest *forest, const void *values, size_t c, int steps, int kind, int inclusive) {
    uint32_t feature = forest->byte_columns[c];
    if (kind == ROW_DOUBLE) {
        const double *table = forest->byte_doubles + c * SERIN_BYTE_TABLE;
        __m512d value = _mm512_set1_pd(((const double *)values)[feature]);
        uint32_t rank = passed_double(table, value, inclusive);
        return steps == 1 ? rank : 16 * rank + passed_double(table + 16 + 16 * rank, value, inclusive);
    }
    const float *table = forest->byte_floats + c * SERIN_BYTE_TABLE;
    __m512 value = _mm512_set1_ps(row_float(values, feature, kind));
    uint32_t rank = passed_float(table, value, inclusive);
    return steps == 1 ? rank : 16 * rank + passed_float(table + 16 + 16 * rank, value, inclusive);
}

/// Ranks of columns 8q to 8q + 7, the first one lowest.
AVX512_INLINE uint64_t rank_word(
    const serin_forest *forest, const void *values, size_t q, int steps, int kind, int inclusive) {
    uint64_t word = 0;
#pragma clang loop unroll(full)
    for (int lane = 0; lane < 8; lane++)
        word |= rank_of(forest, values, 8 * q + (size_t)lane, steps, kind, inclusive) << (8 * lane);
    return word;
}

/// Up to 64 columns from column 64 × part on.
AVX512_INLINE __m512i rank_register(
    const serin_forest *forest, const void *values, size_t part, int kind, int inclusive) {
    const size_t count = forest->header->byte_columns.count / 8, two_level = forest->header->byte_two_level / 8;
    const size_t first = 8 * part, last = count < first + 8 ? count : first + 8;
    uint64_t words[8] = {0};
    size_t q = first;
    for (; q < last && q < two_level; q++) words[q - first] = rank_word(forest, values, q, 2, kind, inclusive);
    for (; q < last; q++) words[q - first] = rank_word(forest, values, q, 1, kind, inclusive);
    return _mm512_set_epi64(
        (int64_t)words[7], (int64_t)words[6], (int64_t)words[5], (int64_t)words[4], (int64_t)words[3],
        (int64_t)words[2], (int64_t)words[1], (int64_t)words[0]);
}

/// The largest float that is not above the zero band.
AVX512_INLINE float band_float(const serin_forest *forest) {
    float band = (float)forest->header->zero_band;
    return (double)band > forest->header->zero_band ? __builtin_nextafterf(band, 0) : band;
}

/// Bit f: feature f is no number, or (with `band`) no further from 0 than the band.
AVX512_INLINE uint64_t missing_features(const serin_forest *forest, const void *values, int kind, int band) {
    const uint32_t count = forest->header->feature_count;
    uint64_t mask = 0;
    for (uint32_t first = 0; first < count; first += 8) {
        __mmask8 there = (__mmask8)_bzhi_u32(0xff, count - first);
        if (kind == ROW_DOUBLE) {
            __m512d own = _mm512_maskz_loadu_pd(there, (const double *)values + first);
            __m512d limit = _mm512_set1_pd(forest->header->zero_band);
            mask |= (uint64_t)(band ? _mm512_cmp_pd_mask(_mm512_abs_pd(own), limit, _CMP_NGT_UQ)
                                    : _mm512_cmp_pd_mask(own, own, _CMP_UNORD_Q)) << first;
        } else {
            __m256 own = kind == ROW_FLOAT
                ? _mm256_maskz_loadu_ps(there, (const float *)values + first)
                : _mm512_cvtpd_ps(_mm512_maskz_loadu_pd(there, (const double *)values + first));
            __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), own);
            mask |= (uint64_t)(band ? _mm256_cmp_ps_mask(magnitude, _mm256_set1_ps(band_float(forest)), _CMP_NGT_UQ)
                                    : _mm256_cmp_ps_mask(own, own, _CMP_UNORD_Q)) << first;
        }
    }
    return mask;
}

/// Every forest that fits one register of slots.
AVX512_INLINE void narrow(const serin_forest *forest, const void *values, int kind, int inclusive, uint8_t *bytes) {
    const uint8_t *slots = forest->byte_slots;
    __m512i columns = rank_register(forest, values, 0, kind, inclusive);
    __m512i features = _mm512_loadu_si512(slots + 64);
    __m512i missing = _mm512_movm_epi8(missing_features(forest, values, kind, 0));
    __mmask64 decided = _mm512_movepi8_mask(_mm512_permutexvar_epi8(features, missing));
    if (forest->header->byte_has_band) {
        __m512i zeros = _mm512_movm_epi8(missing_features(forest, values, kind, 1));
        zeros = _mm512_and_si512(_mm512_permutexvar_epi8(features, zeros), _mm512_loadu_si512(slots + 192));
        decided |= _mm512_movepi8_mask(zeros);
    }
    __m512i own = _mm512_permutexvar_epi8(_mm512_loadu_si512(slots), columns);
    _mm512_store_si512(bytes, _mm512_mask_loadu_epi8(own, decided, slots + 128));
}

/// 256 bytes looked up by 64 indices; `registers` of them are in use.
AVX512_INLINE __m512i look_up(const uint8_t *table, __m512i index, int registers) {
    __m512i low = _mm512_permutex2var_epi8(_mm512_load_si512(table), index, _mm512_load_si512(table + 64));
    if (registers == 2) return low;
    __m512i high = _mm512_permutex2var_epi8(_mm512_load_si512(table + 128), index, _mm512_load_si512(table + 192));
    return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(index), high);
}

AVX512_INLINE void wide(const serin_forest *forest, const void *values, int kind, int inclusive, uint8_t *bytes) {
    const size_t count = forest->header->byte_slot_count;
    const uint8_t *slots = forest->byte_slots;
    byte_columns columns;
    for (size_t part = 0; 64 * part < forest->header->byte_columns.count; part++)
        _mm512_store_si512(columns.ranks + 64 * part, rank_register(forest, values, part, kind, inclusive));
    mark_missing(forest, values, kind, &columns);
    const int registers = count <= 128 ? 2 : 4;
    for (size_t first = 0; first < count; first += 64) {
        __m512i index = _mm512_loadu_si512(slots + first);
        __m512i zeros = _mm512_and_si512(
            look_up(columns.banded, index, registers), _mm512_loadu_si512(slots + 3 * count + first));
        __m512i missing = _mm512_or_si512(look_up(columns.missing, index, registers), zeros);
        _mm512_store_si512(
            bytes + first, _mm512_mask_loadu_epi8(
                               look_up(columns.ranks, index, registers), _mm512_movepi8_mask(missing),
                               slots + 2 * count + first));
    }
}

#define DEFINE(NAME, KIND)                                                                              \
    AVX512 static void NAME(const serin_forest *forest, const void *values, uint8_t *bytes) {           \
        const serin_image_header *header = forest->header;                                              \
        if (header->byte_slot_count == 64 && header->feature_count <= 64) {                             \
            if (header->byte_inclusive) narrow(forest, values, KIND, 1, bytes);                         \
            else narrow(forest, values, KIND, 0, bytes);                                                \
        } else {                                                                                        \
            if (header->byte_inclusive) wide(forest, values, KIND, 1, bytes);                           \
            else wide(forest, values, KIND, 0, bytes);                                                  \
        }                                                                                               \
    }

DEFINE(bytes_float, ROW_FLOAT)
DEFINE(bytes_rounded, ROW_ROUNDED)
DEFINE(bytes_double, ROW_DOUBLE)

AVX512 void serin_bytes_avx512(const serin_forest *forest, const serin_row *row, uint8_t *bytes) {
    switch (byte_row_kind(forest, row)) {
    case ROW_FLOAT: bytes_float(forest, row->values, bytes); break;
    case ROW_ROUNDED: bytes_rounded(forest, row->values, bytes); break;
    default: bytes_double(forest, row->values, bytes); break;
    }
}

#endif
