// A few rows from values to scores, whatever kernels the processor has.
#include "kernels.h"

#include <string.h>

static size_t sums_bytes(uint32_t output_count) { return ((size_t)output_count * 8 + 63) & ~(size_t)63; }

size_t serin_scratch_bytes(uint32_t slot_count, uint32_t output_count) {
    return (((size_t)slot_count * sizeof(uint16_t) + 63) & ~(size_t)63) + sums_bytes(output_count);
}

void serin_score(const serin_forest *forest, serin_row *rows, size_t count, void *scratch) {
    const serin_image_header *header = forest->header;
    const size_t sum_bytes = (size_t)header->output_count * (header->sum_width == SERIN_FLOAT32 ? 4 : 8);
    uint8_t *sums = scratch;
    uint16_t *ranks = (uint16_t *)(sums + count * sums_bytes(header->output_count));
    for (size_t row = 0; row < count; row++) {
        forest->kernels->rank(forest, rows + row, ranks + row * header->slot_count);
        memcpy(sums + row * sum_bytes, forest->base_margins, sum_bytes);
    }
    forest->kernels->walk(forest, ranks, count, sums);
    for (size_t row = 0; row < count; row++)
        rows[row].non_finite = serin_finish(forest, sums + row * sum_bytes, rows[row].margins, rows[row].scores);
}
