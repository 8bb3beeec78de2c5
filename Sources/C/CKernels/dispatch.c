// Which kernels run here.  The scalar ones run everywhere; kernels for wider instruction sets are
// compiled with a target attribute and chosen by what the processor says it has.
#include "kernels.h"

static const serin_kernels scalar = {
    .name = "scalar",
    .rank = serin_rank_scalar,
    .walk = serin_walk_scalar,
};

const serin_kernels *serin_kernels_scalar(void) { return &scalar; }

const serin_kernels *serin_kernels_best(void) { return &scalar; }

const char *serin_processor_kind(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vbmi")) return "x86-64-avx512vbmi";
    if (__builtin_cpu_supports("avx2")) return "x86-64-avx2";
    return "x86-64";
#elif defined(__aarch64__)
    return "arm64";
#else
    return "other";
#endif
}
