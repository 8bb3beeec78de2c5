// Word slots with AVX-512: for forests with more thresholds than bytes hold.
//
// A random forest of scikit-learn has thousands of distinct thresholds a feature.  A word column is a
// feature and up to 65,535 of them; its rank comes from a search tree of sixteen thresholds a node,
// up to four levels deep, each one compare and a popcount:
//
//     level 0   one node: entry j is the last threshold of its child j
//     level 1   up to 16 nodes …
//     last      the thresholds themselves, sixteen a node
//
// Entries without a child behind them are NaN, which nothing passes.  Slots are as in serin_bytes.h:
// a column with one way of missing values, right where words[slot] > rank.  32 values among 3,500
// thresholds each take 160 ns, a binary search of four side by side 520.
#include "avx512.h"
#include "bytes.h"

#if defined(__x86_64__)

AVX512_INLINE uint32_t passed_float(const float *thresholds, __m512 value, int inclusive) {
    __m512 own = _mm512_loadu_ps(thresholds);
    return (uint32_t)__builtin_popcount(
        inclusive ? _mm512_cmp_ps_mask(own, value, _CMP_LE_OQ) : _mm512_cmp_ps_mask(own, value, _CMP_LT_OQ));
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

AVX512_INLINE uint64_t rank_column(
    const serin_forest *forest, const serin_word_column *column, const void *values, int kind, int inclusive) {
    uint32_t rank = 0;
    if (kind == ROW_DOUBLE) {
        __m512d value = _mm512_set1_pd(((const double *)values)[column->feature]);
        for (uint32_t level = 0; level < column->levels; level++)
            rank = 16 * rank +
                passed_double(forest->word_doubles + column->level_at[level] + 16 * rank, value, inclusive);
    } else {
        __m512 value = _mm512_set1_ps(row_float(values, column->feature, kind));
        for (uint32_t level = 0; level < column->levels; level++)
            rank = 16 * rank +
                passed_float(forest->word_floats + column->level_at[level] + 16 * rank, value, inclusive);
    }
    return rank;
}

/// Ranks of up to 128 columns in registers, and which of their values are missing or near zero.
typedef struct {
    __m512i ranks[4];
    __m512i missing[4];
    __m512i zeros[4];
} word_registers;

AVX512_INLINE void rank_register(
    const serin_forest *forest, const void *values, size_t part, int kind, int inclusive, word_registers *out) {
    const size_t count = forest->header->word_columns.count;
    const double band = forest->header->zero_band;
    uint64_t words[8] = {0};
    uint32_t missing = 0, zeros = 0;
    for (size_t c = 32 * part; c < count && c < 32 * part + 32; c++) {
        const serin_word_column *column = forest->word_columns + c;
        words[c % 32 / 4] |= rank_column(forest, column, values, kind, inclusive) << (16 * (c % 4));
        double value = kind == ROW_DOUBLE ? ((const double *)values)[column->feature]
                                          : (double)row_float(values, column->feature, kind);
        missing |= (uint32_t)(value != value) << (c % 32);
        zeros |= (uint32_t)!(__builtin_fabs(value) > band) << (c % 32);
    }
    out->ranks[part] = _mm512_set_epi64(
        (int64_t)words[7], (int64_t)words[6], (int64_t)words[5], (int64_t)words[4], (int64_t)words[3],
        (int64_t)words[2], (int64_t)words[1], (int64_t)words[0]);
    out->missing[part] = _mm512_movm_epi16(missing);
    out->zeros[part] = _mm512_movm_epi16(zeros);
}

AVX512_INLINE __m512i look_up(const __m512i table[4], __m512i index, int registers) {
    if (registers == 1) return _mm512_permutexvar_epi16(index, table[0]);
    __m512i low = _mm512_permutex2var_epi16(table[0], index, table[1]);
    if (registers == 2) return low;
    __m512i high = _mm512_permutex2var_epi16(table[2], index, table[3]);
    return _mm512_mask_mov_epi16(low, _mm512_test_epi16_mask(index, _mm512_set1_epi16(64)), high);
}

AVX512_INLINE void fill(
    const serin_forest *forest, const void *values, int kind, int inclusive, int registers, uint8_t *state) {
    const uint16_t *slots = forest->word_slots;
    const size_t count = forest->header->word_slot_count;
    word_registers columns;
    for (int part = 0; part < registers; part++)
        rank_register(forest, values, (size_t)part, kind, inclusive, &columns);
    for (int part = 0; part < registers; part++) {
        const uint16_t *own = slots + 32 * part;
        __m512i index = _mm512_loadu_si512(own);
        __m512i zeros = _mm512_and_si512(
            look_up(columns.zeros, index, registers), _mm512_loadu_si512(own + 2 * count));
        __m512i missing = _mm512_or_si512(look_up(columns.missing, index, registers), zeros);
        _mm512_store_si512(
            state + 64 * part, _mm512_mask_loadu_epi16(
                                   look_up(columns.ranks, index, registers), _mm512_movepi16_mask(missing),
                                   own + count));
    }
}

#define DEFINE(NAME, KIND)                                                                                       \
    AVX512 static void NAME(const serin_forest *forest, const void *values, int inclusive, uint8_t *state) {     \
        switch (forest->header->word_slot_count) {                                                               \
        case 32: fill(forest, values, KIND, inclusive, 1, state); break;                                         \
        case 64: fill(forest, values, KIND, inclusive, 2, state); break;                                         \
        default: fill(forest, values, KIND, inclusive, 4, state); break;                                         \
        }                                                                                                        \
    }

DEFINE(words_float, ROW_FLOAT)
DEFINE(words_rounded, ROW_ROUNDED)
DEFINE(words_double, ROW_DOUBLE)

AVX512 void serin_words_avx512(const serin_forest *forest, const serin_row *row, uint8_t *state) {
    const int inclusive = forest->header->byte_inclusive != 0;
    switch (byte_row_kind(forest, row)) {
    case ROW_FLOAT: words_float(forest, row->values, inclusive, state); break;
    case ROW_ROUNDED: words_rounded(forest, row->values, inclusive, state); break;
    default: words_double(forest, row->values, inclusive, state); break;
    }
}

#endif
