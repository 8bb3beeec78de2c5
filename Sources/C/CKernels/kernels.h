// What the kernels' files share.
#pragma once

#include "serin_kernels.h"

#define SERIN_INLINE static inline __attribute__((always_inline))

void serin_rank_scalar(const serin_forest *forest, const serin_row *row, uint8_t *state);
void serin_walk_scalar(const serin_forest *forest, const uint8_t *states, size_t rows, void *sums);
/// `count` scalar segments from `first` on, for `rows` rows.
void serin_walk_segments(
    const serin_forest *forest, size_t first, size_t count, const uint8_t *states, size_t rows, void *sums);
void serin_rank_avx512(const serin_forest *forest, const serin_row *row, uint8_t *state);
void serin_walk_avx512(const serin_forest *forest, const uint8_t *states, size_t rows, void *sums);
void serin_rank_avx2(const serin_forest *forest, const serin_row *row, uint8_t *state);
void serin_walk_avx2(const serin_forest *forest, const uint8_t *states, size_t rows, void *sums);
/// The decision words of a row's categories.
void serin_decide_categories(const serin_forest *forest, const serin_row *row, uint8_t *state);
void serin_bytes_scalar(const serin_forest *forest, const serin_row *row, uint8_t *bytes);
void serin_bytes_avx2(const serin_forest *forest, const serin_row *row, uint8_t *bytes);
/// Word slots of one row.
void serin_words_avx512(const serin_forest *forest, const serin_row *row, uint8_t *state);
void serin_bytes_avx512(const serin_forest *forest, const serin_row *row, uint8_t *bytes);

/// The row of bits for a value among a column's category sets.
SERIN_INLINE uint32_t serin_category_row(
    const serin_forest *forest, const serin_category_column *column, double value) {
    double lowest = forest->header->category_rule == SERIN_CATEGORY_NOT_NEGATIVE ? -0x1p-1074 : -1.0;
    if (value > lowest && value < (double)column->code_count)
        return forest->category_row_of[column->row_of + (uint32_t)value];
    return value != value ? 0 : 1;
}
