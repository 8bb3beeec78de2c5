// Counting where values fall, for drift: on the way of every answered request.
//
//     value ─► how many boundaries are ≤ it (16 compares at once) ─► that interval's cell + 1
//     code  ─► table of cells by code                                ─► that category's cell + 1
//
//     a number's cells:    | interval 0 … 14 | missing |
//     a category's cells:  | those of the profile … | other | unseen | missing |
//
// One thread writes a shard's cells, with plain loads and stores of atomics; who reads them takes differences of two
// readings, so they may wrap.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Boundaries of a number: a profile's 11 edges and 2 of a range fit.
#define SERIN_DRIFT_LANES 16
/// Boundaries of a score: a profile's 17 edges fit.
#define SERIN_DRIFT_SCORE_LANES 20
/// A number's cell of missing values.
#define SERIN_DRIFT_MISSING 15

typedef struct {
    /// Ascending, NaN behind the last: for rows of floats and of doubles.
    float narrow[SERIN_DRIFT_LANES];
    double wide[SERIN_DRIFT_LANES];
    /// The cell of each code; null: a number.
    const uint16_t *codes;
    uint32_t code_count;
    uint32_t first_cell;
    /// Of codes that the table has not, and of missing ones, from the first cell.
    uint32_t unseen;
    uint32_t missing;
} serin_drift_column;

typedef struct {
    double wide[SERIN_DRIFT_SCORE_LANES];
    uint32_t first_cell;
} serin_drift_score;

typedef struct serin_drift_shard serin_drift_shard;

/// Counts rows of a request and their scores. Values are [row][column], scores [row][score], each FP32 or FP64.
typedef void serin_drift_function(
    serin_drift_shard *shard, const void *values, int is_double, const void *scores, int scores_are_double,
    size_t rows);

struct serin_drift_shard {
    serin_drift_function *count;
    const serin_drift_column *columns;
    /// One for each column of the score.
    const serin_drift_score *scores;
    uint32_t column_count;
    uint32_t score_count;
    /// Every so many rows one is counted; how many are left until the next.
    uint32_t stride;
    uint32_t left;
    uint32_t *cells;
    /// Of the scores that were counted, one for each column.
    double *sums;
};

/// scalar, avx2 or avx512; null: another name, or the processor cannot.
serin_drift_function *serin_drift_named(const char *name);

/// The fastest that this processor can.
serin_drift_function *serin_drift_best(void);
