// A few rows from values to scores, whatever kernels the processor has.
#include "kernels.h"

#include <string.h>

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/// States and sums stay in the second-level cache.
static const size_t states_bytes_max = 512 << 10;
/// Masks of bit slices may be a little further away.
static const size_t slice_scratch_max = 2 << 20;

static uint32_t rows_within(size_t bytes, size_t row_bytes, uint32_t most) {
    const size_t rows = bytes / row_bytes;
    return rows < 1 ? 1 : rows < most ? (uint32_t)rows : most;
}

/// Which blocks there can be; from how many rows on they win is an estimate until it is measured.
static void lay_out_slices(serin_forest *forest, const serin_kernels *kernels) {
    forest->slice_kernels = kernels;
    forest->slice_words = kernels->slice_words;
    forest->slice_narrow_from = UINT32_MAX;
    forest->slice_wide_from = UINT32_MAX;
    if (!kernels->slice || forest->slices.segment_count == 0) return;
    if (serin_bitslice_scratch(forest, 1) <= slice_scratch_max) forest->slice_narrow_from = 24;
    if (kernels->slice_has_halves && serin_bitslice_scratch(forest, forest->slice_words) > slice_scratch_max)
        forest->slice_words /= 2;
    if (serin_bitslice_scratch(forest, forest->slice_words) <= slice_scratch_max) forest->slice_wide_from = 160;
    if (forest->slice_narrow_from == UINT32_MAX) return;
    forest->rows_max = rows_within(states_bytes_max, forest->sum_bytes, SERIN_ROWS_MAX);
}

void serin_lay_out(serin_forest *forest, uint32_t limit) {
    const serin_image_header *header = forest->header;
    forest->decisions_at = header->byte_slot_count + 2 * header->word_slot_count;
    forest->ranks_at = forest->decisions_at + (uint32_t)rounded((size_t)header->decision_words * 8);
    forest->values_at = forest->ranks_at + (uint32_t)rounded((size_t)header->slot_count * 2);
    const size_t value_bytes = header->linear_of.count > 0 ? (size_t)header->feature_count * 8 : 0;
    forest->row_bytes = forest->values_at + (uint32_t)rounded(value_bytes);
    forest->sum_bytes = header->output_count * (header->sum_width == SERIN_FLOAT32 ? 4 : 8);
    forest->has_scalar_segments = 0;
    for (uint64_t index = 0; index < header->vector_segments.count; index++)
        if (forest->vector_segments[index].scheme == SERIN_SCHEME_SCALAR) forest->has_scalar_segments = 1;
    forest->states_max = rows_within(states_bytes_max, forest->row_bytes + forest->sum_bytes, SERIN_STATES_MAX);
    forest->rows_max = forest->states_max;
    lay_out_slices(forest, serin_kernels_at(limit));
    serin_use_kernels(forest, limit);
}

void serin_use_kernels(serin_forest *forest, uint32_t limit) {
    const serin_image_header *header = forest->header;
    if (limit > serin_level()) limit = serin_level();
    const int fits_avx2 = header->byte_slot_count == 64 || header->byte_slot_count == 128;
    if (limit == SERIN_LEVEL_AVX2 && !fits_avx2) limit = SERIN_LEVEL_SCALAR;
    if (header->vector_segments.count == 0) limit = SERIN_LEVEL_SCALAR;
    forest->kernels = serin_kernels_at(limit);
}

/// Rows of the block that `left` rows begin with, and its words; 0 words: row by row.
static size_t next_block(const serin_forest *forest, size_t left, size_t *words) {
    *words = left >= forest->slice_wide_from ? forest->slice_words : left >= forest->slice_narrow_from ? 1 : 0;
    const size_t room = *words ? *words * 64 : forest->states_max;
    return left < room ? left : room;
}

size_t serin_sums_bytes(const serin_forest *forest, size_t count) { return rounded(count * forest->sum_bytes); }

size_t serin_scratch_bytes(const serin_forest *forest, size_t count) {
    size_t block = (count < forest->states_max ? count : forest->states_max) * forest->row_bytes, slices = 0;
    if (count >= forest->slice_narrow_from) slices = serin_bitslice_scratch(forest, 1);
    if (count >= forest->slice_wide_from) slices = serin_bitslice_scratch(forest, forest->slice_words);
    return serin_sums_bytes(forest, count) + (block > slices ? block : slices);
}

void serin_score_rows(
    const serin_forest *forest, const serin_row *rows, size_t count, uint8_t *states, uint8_t *sums) {
    for (size_t row = 0; row < count; row++) {
        forest->kernels->rank(forest, rows + row, states + row * forest->row_bytes);
        memcpy(sums + row * forest->sum_bytes, forest->base_margins, forest->sum_bytes);
    }
    forest->kernels->walk(forest, states, count, sums);
}

void serin_score(const serin_forest *forest, serin_row *rows, size_t count, void *scratch) {
    uint8_t *sums = scratch;
    uint8_t *working = sums + serin_sums_bytes(forest, count);
    for (size_t first = 0, own, words; first < count; first += own) {
        own = next_block(forest, count - first, &words);
        uint8_t *to = sums + first * forest->sum_bytes;
        if (words)
            serin_bitslice(forest, rows + first, own, words, working, to);
        else
            serin_score_rows(forest, rows + first, own, working, to);
    }
    for (size_t row = 0; row < count; row++)
        rows[row].non_finite =
            serin_finish(forest, sums + row * forest->sum_bytes, rows[row].margins, rows[row].scores);
}
