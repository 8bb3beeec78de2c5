// Slot bytes with AVX2: each step of serin_bytes.h is two compares of eight floats, or four of four
// doubles.  The way from columns to slots is a loop over bytes: 64 of them cost less than a permute
// of 64 bytes, which AVX2 has to piece together from eight.
#include "avx2.h"
#include "bytes.h"

#if defined(__x86_64__)

AVX2_INLINE uint32_t passed_float(const float *thresholds, float value, int inclusive) {
    __m256 own = _mm256_set1_ps(value), low = _mm256_loadu_ps(thresholds), high = _mm256_loadu_ps(thresholds + 8);
    low = inclusive ? _mm256_cmp_ps(low, own, _CMP_LE_OQ) : _mm256_cmp_ps(low, own, _CMP_LT_OQ);
    high = inclusive ? _mm256_cmp_ps(high, own, _CMP_LE_OQ) : _mm256_cmp_ps(high, own, _CMP_LT_OQ);
    return (uint32_t)__builtin_popcount((uint32_t)(_mm256_movemask_ps(low) | _mm256_movemask_ps(high) << 8));
}

AVX2_INLINE uint32_t passed_double(const double *thresholds, double value, int inclusive) {
    __m256d own = _mm256_set1_pd(value);
    int passed = 0;
#pragma clang loop unroll(full)
    for (int part = 0; part < 4; part++) {
        __m256d four = _mm256_loadu_pd(thresholds + 4 * part);
        four = inclusive ? _mm256_cmp_pd(four, own, _CMP_LE_OQ) : _mm256_cmp_pd(four, own, _CMP_LT_OQ);
        passed |= _mm256_movemask_pd(four) << (4 * part);
    }
    return (uint32_t)__builtin_popcount((uint32_t)passed);
}

AVX2_INLINE void rank_columns(
    const serin_forest *forest, const void *values, int kind, int inclusive, uint8_t *ranks) {
    const size_t count = forest->header->byte_columns.count, two_level = forest->header->byte_two_level;
    for (size_t c = 0; c < count; c++) {
        uint32_t feature = forest->byte_columns[c], rank;
        if (kind == ROW_DOUBLE) {
            const double *table = forest->byte_doubles + c * SERIN_BYTE_TABLE;
            double value = ((const double *)values)[feature];
            rank = passed_double(table, value, inclusive);
            if (c < two_level) rank = 16 * rank + passed_double(table + 16 + 16 * rank, value, inclusive);
        } else {
            const float *table = forest->byte_floats + c * SERIN_BYTE_TABLE;
            float value = row_float(values, feature, kind);
            rank = passed_float(table, value, inclusive);
            if (c < two_level) rank = 16 * rank + passed_float(table + 16 + 16 * rank, value, inclusive);
        }
        ranks[c] = (uint8_t)rank;
    }
}

#define DEFINE(NAME, KIND)                                                                              \
    AVX2 static void NAME(const serin_forest *forest, const void *values, uint8_t *bytes) {             \
        byte_columns columns;                                                                           \
        if (forest->header->byte_inclusive) rank_columns(forest, values, KIND, 1, columns.ranks);       \
        else rank_columns(forest, values, KIND, 0, columns.ranks);                                      \
        mark_missing(forest, values, KIND, &columns);                                                   \
        spread_columns(forest, &columns, bytes);                                                        \
    }

DEFINE(bytes_float, ROW_FLOAT)
DEFINE(bytes_rounded, ROW_ROUNDED)
DEFINE(bytes_double, ROW_DOUBLE)

AVX2 void serin_bytes_avx2(const serin_forest *forest, const serin_row *row, uint8_t *bytes) {
    switch (byte_row_kind(forest, row)) {
    case ROW_FLOAT: bytes_float(forest, row->values, bytes); break;
    case ROW_ROUNDED: bytes_rounded(forest, row->values, bytes); break;
    default: bytes_double(forest, row->values, bytes); break;
    }
}

#endif
