// The rows of a request, counted with one family of compares. Each including file defines DRIFT_TARGET and DRIFT_NAME, and
// how many of a number's boundaries are at most a value: `narrow` and `wide`, and `more` of a score's last four.

DRIFT_TARGET static void DRIFT_NAME(count_narrow)(const serin_drift_shard *shard, const float *values) {
    for (uint32_t i = 0; i < shard->column_count; i++) {
        const serin_drift_column *column = shard->columns + i;
        float value = values[i];
        uint32_t cell = DRIFT_NAME(narrow)(column->narrow, value);
        if (value != value) cell = SERIN_DRIFT_MISSING;
        if (column->codes) cell = category(column, value);
        bump(shard->cells + column->first_cell + cell);
    }
}

DRIFT_TARGET static void DRIFT_NAME(count_wide)(const serin_drift_shard *shard, const double *values) {
    for (uint32_t i = 0; i < shard->column_count; i++) {
        const serin_drift_column *column = shard->columns + i;
        double value = values[i];
        uint32_t cell = DRIFT_NAME(wide)(column->wide, value);
        if (value != value) cell = SERIN_DRIFT_MISSING;
        if (column->codes) cell = category(column, value);
        bump(shard->cells + column->first_cell + cell);
    }
}

DRIFT_TARGET static void DRIFT_NAME(count_score)(const serin_drift_shard *shard, uint32_t index, double score) {
    const serin_drift_score *column = shard->scores + index;
    bump(shard->cells + column->first_cell + DRIFT_NAME(wide)(column->wide, score) + DRIFT_NAME(more)(column->wide, score));
    double *sum = shard->sums + index, total;
    __atomic_load(sum, &total, __ATOMIC_RELAXED);
    total += score;
    __atomic_store(sum, &total, __ATOMIC_RELAXED);
}

DRIFT_TARGET static void DRIFT_NAME(count)(
    serin_drift_shard *shard, const void *values, int is_double, const void *scores, int scores_are_double,
    size_t rows) {
    size_t row = shard->left;
    for (; row < rows; row += shard->stride) {
        size_t first = row * shard->column_count, score = row * shard->score_count;
        if (is_double)
            DRIFT_NAME(count_wide)(shard, (const double *)values + first);
        else
            DRIFT_NAME(count_narrow)(shard, (const float *)values + first);
        for (uint32_t i = 0; i < shard->score_count; i++)
            DRIFT_NAME(count_score)(
                shard, i,
                scores_are_double ? ((const double *)scores)[score + i] : (double)((const float *)scores)[score + i]);
    }
    shard->left = (uint32_t)(row - rows);
}

#undef DRIFT_TARGET
#undef DRIFT_NAME
