// A few rows from values to scores, whatever kernels the processor has.
#include "kernels.h"

#include <string.h>

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

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
    if (limit > serin_level()) limit = serin_level();
    const int fits_avx2 = header->byte_slot_count == 64 || header->byte_slot_count == 128;
    if (limit == SERIN_LEVEL_AVX2 && !fits_avx2) limit = SERIN_LEVEL_SCALAR;
    if (header->vector_segments.count == 0) limit = SERIN_LEVEL_SCALAR;
    forest->kernels = serin_kernels_at(limit);
}

size_t serin_scratch_bytes(const serin_forest *forest) { return forest->row_bytes + rounded(forest->sum_bytes); }

void serin_score(const serin_forest *forest, serin_row *rows, size_t count, void *scratch) {
    const size_t sum_bytes = forest->sum_bytes;
    uint8_t *sums = scratch;
    uint8_t *states = sums + count * rounded(sum_bytes);
    for (size_t row = 0; row < count; row++) {
        forest->kernels->rank(forest, rows + row, states + row * forest->row_bytes);
        memcpy(sums + row * sum_bytes, forest->base_margins, sum_bytes);
    }
    forest->kernels->walk(forest, states, count, sums);
    for (size_t row = 0; row < count; row++)
        rows[row].non_finite = serin_finish(forest, sums + row * sum_bytes, rows[row].margins, rows[row].scores);
}
