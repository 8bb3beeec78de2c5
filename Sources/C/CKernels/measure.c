// From how many rows on blocks of bit slices win: measured when a forest is loaded, not guessed.
//
// A block costs the same however many of its rows are used, so it wins from
//
//     narrow_from = time of a narrow block / time of a row
//     wide_from   = time of a wide block / the less of a row's time and 1/64 of a narrow block's
//
// rows on.  The least of a few runs counts: whatever else the machine does only ever adds to a time.
// The whole takes 0.3 ms for 100 trees of depth 6 and 1 ms for 500 of depth 8.
#include "kernels.h"

#include <time.h>

enum { ROWS = 8, RUNS = 3 };

static double nanos_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/// The least time of a few runs of `count` rows, at least 1 ns; `words` 0: row by row.
static double nanos_of(
    const serin_forest *forest, const serin_row *rows, size_t count, size_t words, uint8_t *working, uint8_t *sums) {
    double least = 1e18;
    for (int run = 0; run < RUNS; run++) {
        const double start = nanos_now();
        if (words)
            serin_bitslice(forest, rows, count, words, working, sums);
        else
            serin_score_rows(forest, rows, count, working, sums);
        const double taken = nanos_now() - start;
        if (taken < least) least = taken;
    }
    return least < 1 ? 1 : least;
}

/// The quotient, rounded up; all ones if it is more than `most`.
static uint32_t rows_from(double block, double row, size_t most) {
    const double from = block / row;
    return from <= (double)most ? (uint32_t)from + 1 : UINT32_MAX;
}

void serin_measure_blocks(serin_forest *forest, const serin_row *rows, void *scratch) {
    const size_t narrow = 64, wide = narrow * forest->slice_words;
    uint8_t *sums = scratch;
    uint8_t *working = sums + serin_sums_bytes(forest, forest->rows_max);
    if (forest->slice_narrow_from == UINT32_MAX || forest->rows_max < narrow) return;
    const size_t few = forest->states_max < ROWS ? forest->states_max : ROWS;
    double row = nanos_of(forest, rows, few, 0, working, sums) / (double)few;
    const double block = nanos_of(forest, rows, narrow, 1, working, sums);
    forest->slice_narrow_from = rows_from(block, row, narrow);
    if (block / (double)narrow < row) row = block / (double)narrow;
    if (forest->slice_wide_from == UINT32_MAX || forest->rows_max < wide) return;
    // Half a block first, where there are halves.
    const serin_kernels *kernels = forest->slice_kernels;
    const int has_half = kernels->slice_has_halves && forest->slice_words == kernels->slice_words;
    uint32_t from = UINT32_MAX;
    for (size_t used = wide >> has_half; from == UINT32_MAX && used <= wide; used *= 2)
        from = rows_from(nanos_of(forest, rows, used, forest->slice_words, working, sums), row, used);
    forest->slice_wide_from = from;
}
