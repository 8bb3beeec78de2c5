// Counting of values by interval: a family for each instruction set, which count the same.
#include "serin_drift.h"
#include <string.h>

static inline __attribute__((always_inline)) void bump(uint32_t *cell) {
    __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

static inline __attribute__((always_inline)) uint32_t category(const serin_drift_column *column, double code) {
    if (code != code) return column->missing;
    if (!(code >= 0 && code < column->code_count)) return column->unseen;
    uint32_t whole = (uint32_t)code;
    return whole == code ? column->codes[whole] : column->unseen;
}

#define DRIFT_TARGET
#define DRIFT_NAME(part) part##_scalar

static inline uint32_t narrow_scalar(const float *boundaries, float value) {
    uint32_t count = 0;
    for (int i = 0; i < SERIN_DRIFT_LANES; i++) count += value >= boundaries[i];
    return count;
}

static inline uint32_t wide_scalar(const double *boundaries, double value) {
    uint32_t count = 0;
    for (int i = 0; i < SERIN_DRIFT_LANES; i++) count += value >= boundaries[i];
    return count;
}

static inline uint32_t more_scalar(const double *boundaries, double value) {
    uint32_t count = 0;
    for (int i = SERIN_DRIFT_LANES; i < SERIN_DRIFT_SCORE_LANES; i++) count += value >= boundaries[i];
    return count;
}

#include "drift_rows.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define DRIFT_TARGET __attribute__((target("avx2,popcnt")))
#define DRIFT_NAME(part) part##_avx2

DRIFT_TARGET static inline uint32_t four_avx2(const double *boundaries, __m256d value) {
    return (uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(value, _mm256_loadu_pd(boundaries), _CMP_GE_OQ));
}

DRIFT_TARGET static inline uint32_t narrow_avx2(const float *boundaries, float value) {
    __m256 all = _mm256_set1_ps(value);
    int low = _mm256_movemask_ps(_mm256_cmp_ps(all, _mm256_loadu_ps(boundaries), _CMP_GE_OQ));
    int high = _mm256_movemask_ps(_mm256_cmp_ps(all, _mm256_loadu_ps(boundaries + 8), _CMP_GE_OQ));
    return (uint32_t)__builtin_popcount((unsigned)(low | high << 8));
}

DRIFT_TARGET static inline uint32_t wide_avx2(const double *boundaries, double value) {
    __m256d all = _mm256_set1_pd(value);
    return (uint32_t)__builtin_popcount(
        four_avx2(boundaries, all) | four_avx2(boundaries + 4, all) << 4 | four_avx2(boundaries + 8, all) << 8 |
        four_avx2(boundaries + 12, all) << 12);
}

DRIFT_TARGET static inline uint32_t more_avx2(const double *boundaries, double value) {
    return (uint32_t)__builtin_popcount(four_avx2(boundaries + SERIN_DRIFT_LANES, _mm256_set1_pd(value)));
}

#include "drift_rows.h"

#define DRIFT_TARGET __attribute__((target("avx2,avx512f,avx512vl,popcnt")))
#define DRIFT_NAME(part) part##_avx512

DRIFT_TARGET static inline uint32_t narrow_avx512(const float *boundaries, float value) {
    return (uint32_t)__builtin_popcount(
        _mm512_cmp_ps_mask(_mm512_set1_ps(value), _mm512_loadu_ps(boundaries), _CMP_GE_OQ));
}

DRIFT_TARGET static inline uint32_t wide_avx512(const double *boundaries, double value) {
    __m512d all = _mm512_set1_pd(value);
    unsigned low = _mm512_cmp_pd_mask(all, _mm512_loadu_pd(boundaries), _CMP_GE_OQ);
    unsigned high = _mm512_cmp_pd_mask(all, _mm512_loadu_pd(boundaries + 8), _CMP_GE_OQ);
    return (uint32_t)__builtin_popcount(low | high << 8);
}

DRIFT_TARGET static inline uint32_t more_avx512(const double *boundaries, double value) {
    return (uint32_t)__builtin_popcount(_mm256_cmp_pd_mask(
        _mm256_set1_pd(value), _mm256_loadu_pd(boundaries + SERIN_DRIFT_LANES), _CMP_GE_OQ));
}

#include "drift_rows.h"

serin_drift_function *serin_drift_named(const char *name) {
    int narrow = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
    if (!strcmp(name, "avx512"))
        return narrow && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") ? count_avx512 : NULL;
    if (!strcmp(name, "avx2")) return narrow ? count_avx2 : NULL;
    return !strcmp(name, "scalar") ? count_scalar : NULL;
}
#else
serin_drift_function *serin_drift_named(const char *name) { return !strcmp(name, "scalar") ? count_scalar : NULL; }
#endif

serin_drift_function *serin_drift_best(void) {
    serin_drift_function *best = serin_drift_named("avx512");
    if (!best) best = serin_drift_named("avx2");
    return best ? best : count_scalar;
}
