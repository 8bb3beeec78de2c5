// A call's scratch, and the sums' way back to rows.
#include "bitslice.h"

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/// Lays the scratch out from `start` on (nil: just measures it); gives its size.
static size_t lay_out(serin_slice_work *work, uint8_t *start) {
    const serin_slices *slices = &work->forest->slices;
    const size_t words = work->words;
    size_t size = 0;
#define TAKE(FIELD, BYTES)                               \
    work->FIELD = start ? (void *)(start + size) : NULL; \
    size += rounded(BYTES)
    TAKE(floats, SERIN_SLICE_FEATURES * SERIN_SLICE_ROWS * sizeof(float));
    TAKE(doubles, SERIN_SLICE_FEATURES * SERIN_SLICE_ROWS * sizeof(double));
    TAKE(planes, slices->column_count * words * SERIN_SLICE_LEVELS_MAX * sizeof(uint64_t));
    TAKE(missing, slices->column_count * words * sizeof(uint64_t));
    TAKE(masks, slices->mask_count * words * sizeof(uint64_t));
    TAKE(sources, 2 * (2 * (size_t)slices->split_count + 2) * words * sizeof(uint64_t));
    TAKE(indices, SERIN_SLICE_TREES * words * SERIN_SLICE_ROWS);
    TAKE(sums, work->forest->header->output_count * words * SERIN_SLICE_ROWS * sizeof(double));
#undef TAKE
    return size;
}

size_t serin_bitslice_scratch(const serin_forest *forest, size_t words) {
    serin_slice_work work = {.forest = forest, .words = words};
    return lay_out(&work, NULL);
}

// Lane l of a register of indices has 16 rows of the l-th part of all; of the registers of numbers that
// they look up, each has as many of each lane as fit 16 bytes.  So rows come back a lane at a time.
#define DEFINE_SUMS(NUMBER)                                                                              \
    static void start_##NUMBER(const serin_slice_work *work) {                                           \
        const NUMBER *base = work->forest->base_margins;                                                 \
        const size_t rows = work->words * SERIN_SLICE_ROWS;                                              \
        NUMBER *sums = (NUMBER *)work->sums;                                                             \
        for (uint32_t output = 0; output < work->forest->header->output_count; output++)                 \
            for (size_t row = 0; row < rows; row++) sums[output * rows + row] = base[output];            \
    }                                                                                                    \
    static void finish_##NUMBER(const serin_slice_work *work, NUMBER *to) {                              \
        enum { PER_LANE = 16 / sizeof(NUMBER) };                                                         \
        const size_t rows = work->words * SERIN_SLICE_ROWS, outputs = work->forest->header->output_count; \
        const size_t lanes = work->forest->slice_kernels->slice_lanes, lane_rows = rows / lanes;         \
        const NUMBER *sums = (const NUMBER *)work->sums;                                                 \
        for (size_t part = 0; part < rows / PER_LANE; part++) {                                          \
            const size_t lane = part & (lanes - 1), first = part / lanes * PER_LANE + lane * lane_rows;  \
            for (size_t row = first; row < first + PER_LANE && row < work->row_count; row++)             \
                for (size_t output = 0; output < outputs; output++)                                      \
                    to[row * outputs + output] = sums[output * rows + part * PER_LANE + row - first];    \
        }                                                                                                \
    }
DEFINE_SUMS(float)
DEFINE_SUMS(double)

void serin_bitslice(
    const serin_forest *forest, const serin_row *rows, size_t count, size_t words, void *scratch, void *sums) {
    const serin_kernels *kernels = forest->slice_kernels;
    const int has_half = kernels->slice_has_halves && words == kernels->slice_words;
    if (has_half && count <= words * SERIN_SLICE_ROWS / 2) words /= 2;
    serin_slice_work work = {.forest = forest, .rows = rows, .row_count = count, .words = words};
    lay_out(&work, scratch);
    const int is_float = forest->header->sum_width == SERIN_FLOAT32;
    if (is_float)
        start_float(&work);
    else
        start_double(&work);
    forest->slice_kernels->slice(&work);
    if (is_float)
        finish_float(&work, sums);
    else
        finish_double(&work, sums);
}
