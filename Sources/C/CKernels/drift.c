// Counting of values by interval. The compares of a column are independent, and clang makes vectors of them.
#include "serin_drift.h"

#define INLINE static inline __attribute__((always_inline))

INLINE void bump(uint32_t *cell) {
    __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

INLINE uint32_t interval_narrow(const float *boundaries, float value) {
    uint32_t count = 0;
    for (int i = 0; i < SERIN_DRIFT_LANES; i++) count += value >= boundaries[i];
    return value != value ? SERIN_DRIFT_MISSING : count;
}

INLINE uint32_t interval_wide(const double *boundaries, double value) {
    uint32_t count = 0;
    for (int i = 0; i < SERIN_DRIFT_LANES; i++) count += value >= boundaries[i];
    return value != value ? SERIN_DRIFT_MISSING : count;
}

INLINE uint32_t category(const serin_drift_column *column, double code) {
    if (code != code) return column->missing;
    if (!(code >= 0 && code < column->code_count)) return column->unseen;
    uint32_t whole = (uint32_t)code;
    return whole == code ? column->codes[whole] : column->unseen;
}

static void count_narrow(const serin_drift_shard *shard, const float *values) {
    for (uint32_t i = 0; i < shard->column_count; i++) {
        const serin_drift_column *column = shard->columns + i;
        uint32_t cell = column->codes ? category(column, values[i]) : interval_narrow(column->narrow, values[i]);
        bump(shard->cells + column->first_cell + cell);
    }
}

static void count_wide(const serin_drift_shard *shard, const double *values) {
    for (uint32_t i = 0; i < shard->column_count; i++) {
        const serin_drift_column *column = shard->columns + i;
        uint32_t cell = column->codes ? category(column, values[i]) : interval_wide(column->wide, values[i]);
        bump(shard->cells + column->first_cell + cell);
    }
}

static void count_score(const serin_drift_shard *shard, uint32_t index, double score) {
    const serin_drift_score *column = shard->scores + index;
    uint32_t count = 0;
    for (int i = 0; i < SERIN_DRIFT_SCORE_LANES; i++) count += score >= column->wide[i];
    bump(shard->cells + column->first_cell + count);
    double *sum = shard->sums + index, total;
    __atomic_load(sum, &total, __ATOMIC_RELAXED);
    total += score;
    __atomic_store(sum, &total, __ATOMIC_RELAXED);
}

void serin_drift_count(
    serin_drift_shard *shard, const void *values, int is_double, const void *scores, int scores_are_double,
    size_t rows) {
    size_t row = shard->left;
    for (; row < rows; row += shard->stride) {
        size_t first = row * shard->column_count, score = row * shard->score_count;
        if (is_double)
            count_wide(shard, (const double *)values + first);
        else
            count_narrow(shard, (const float *)values + first);
        for (uint32_t i = 0; i < shard->score_count; i++)
            count_score(
                shard, i,
                scores_are_double ? ((const double *)scores)[score + i] : (double)((const float *)scores)[score + i]);
    }
    shard->left = (uint32_t)(row - rows);
}
