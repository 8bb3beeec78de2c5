// Which kernels run here.  The scalar ones run everywhere; kernels for wider instruction sets are
// compiled with a target attribute and chosen by what the processor says it has.
//
// SERIN_KERNELS in the environment (scalar, avx2, avx512) sets a limit for the whole process, to
// test and to measure the slower ones; any other word is no limit.
#include "kernels.h"

#include <stdlib.h>
#include <string.h>

static const serin_kernels levels[] = {
    {.name = "scalar",
     .level = SERIN_LEVEL_SCALAR,
     .bytes = serin_bytes_scalar,
     .rank = serin_rank_scalar,
     .walk = serin_walk_scalar},
#if defined(__x86_64__)
    {.name = "avx2",
     .level = SERIN_LEVEL_AVX2,
     .bytes = serin_bytes_avx2,
     .rank = serin_rank_avx2,
     .walk = serin_walk_avx2},
    {.name = "avx512",
     .level = SERIN_LEVEL_AVX512,
     .bytes = serin_bytes_avx512,
     .rank = serin_rank_avx512,
     .walk = serin_walk_avx512},
#endif
};

static uint32_t processor_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") ||
        !__builtin_cpu_supports("popcnt") || !__builtin_cpu_supports("lzcnt") || !__builtin_cpu_supports("fma"))
        return SERIN_LEVEL_SCALAR;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vpopcntdq"))
        return SERIN_LEVEL_AVX512;
    return SERIN_LEVEL_AVX2;
#else
    return SERIN_LEVEL_SCALAR;
#endif
}

static uint32_t environment_level(void) {
    const char *name = getenv("SERIN_KERNELS");
    for (uint32_t level = 0; name && level < sizeof levels / sizeof *levels; level++)
        if (strcmp(name, levels[level].name) == 0) return level;
    return SERIN_LEVEL_AVX512;
}

uint32_t serin_level(void) {
    // Every thread computes the same number, so it does not matter which of them stores it.
    static _Atomic uint32_t known;
    uint32_t level = known;
    if (level == 0) {
        uint32_t processor = processor_level(), limit = environment_level();
        level = 1 + (processor < limit ? processor : limit);
        known = level;
    }
    return level - 1;
}

const serin_kernels *serin_kernels_at(uint32_t limit) {
    uint32_t level = serin_level();
    return levels + (limit < level ? limit : level);
}

void serin_bytes(const serin_forest *forest, const serin_row *row, uint8_t *bytes) {
    forest->kernels->bytes(forest, row, bytes);
}

const char *serin_processor_kind(void) {
#if defined(__x86_64__)
    switch (processor_level()) {
    case SERIN_LEVEL_AVX512: return "x86-64-avx512vbmi";
    case SERIN_LEVEL_AVX2: return "x86-64-avx2";
    default: return "x86-64";
    }
#elif defined(__aarch64__)
    return "arm64";
#else
    return "other";
#endif
}
