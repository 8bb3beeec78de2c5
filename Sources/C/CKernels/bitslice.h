// What the bit-slice kernels' files share: the working memory of one call.
#pragma once

#include "kernels.h"

/// Rows of one word.
#define SERIN_SLICE_ROWS 64
/// Features whose values are turned at once.
#define SERIN_SLICE_FEATURES 16

/// One call's scratch.  Rows come in words of 64; masks and sources are arrays of `words` words.
typedef struct serin_slice_work {
    const serin_forest *forest;
    const serin_row *rows;
    size_t row_count;
    size_t words;
    /// The values of 16 features of one word, [feature][row]; doubles where a float64 forest has them.
    float *floats;
    double *doubles;
    /// [column][word][plane], lowest first.
    uint64_t *planes;
    /// [column][word]: where the value is missing.
    uint64_t *missing;
    /// [mask][word]
    uint64_t *masks;
    /// [0 or 1: of two linked trees][source][word]
    uint64_t *sources;
    /// [tree][64 × words]
    uint8_t *indices;
    /// [output][64 × words] numbers of the sums' width, in the order that the look-up gives.
    uint8_t *sums;
} serin_slice_work;

void serin_bitslice_avx2(const serin_slice_work *work);
void serin_bitslice_avx512(const serin_slice_work *work);

/// Row `index` of a call, or the last one beyond it.
SERIN_INLINE const serin_row *serin_slice_row(const serin_slice_work *work, size_t index) {
    return work->rows + (index < work->row_count ? index : work->row_count - 1);
}

/// The row of answers that each of the 64 rows of a word has among a column's category sets.
SERIN_INLINE void serin_slice_category_rows(
    const serin_slice_work *work, const serin_category_column *column, size_t word,
    const uint16_t *rows[SERIN_SLICE_ROWS]) {
    const uint16_t *first = work->forest->category_rows + column->rows;
    for (size_t i = 0; i < SERIN_SLICE_ROWS; i++) {
        const serin_row *row = serin_slice_row(work, SERIN_SLICE_ROWS * word + i);
        double value = serin_value_of(work->forest, row, column->feature);
        rows[i] = first + (size_t)column->word_count * serin_category_row(work->forest, column, value);
    }
}

/// A float64 forest's rank among the column's limits, for a value whose rounded rank is `rank`.
SERIN_INLINE uint32_t serin_slice_exact_rank(
    const serin_forest *forest, const serin_slice_column *column, double value, uint32_t rank) {
    const double *limits = forest->slices.limits + column->limits;
    while (rank < column->limit_count && !(value <= limits[rank])) rank++;
    return rank;
}
