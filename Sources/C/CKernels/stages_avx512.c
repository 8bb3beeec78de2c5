// The stages for AVX-512.
#include "fold.h"
#include "program.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,fma"))), apply_to = function)

typedef float vector_float __attribute__((ext_vector_type(16)));
typedef double vector_double __attribute__((ext_vector_type(8)));

SERIN_DEFINE_FOLD_FLOAT(vector_float)
SERIN_DEFINE_FOLD_DOUBLE(vector_double)

SERIN_INLINE vector_float load_part_float(const float *x, size_t count) {
    return (vector_float)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), x);
}

SERIN_INLINE vector_double load_part_double(const double *x, size_t count) {
    return (vector_double)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), x);
}

SERIN_INLINE void store_part_float(float *y, vector_float sums, size_t count) {
    _mm512_mask_storeu_ps(y, (__mmask16)((1u << count) - 1), (__m512)sums);
}

SERIN_INLINE void store_part_double(double *y, vector_double sums, size_t count) {
    _mm512_mask_storeu_pd(y, (__mmask8)((1u << count) - 1), (__m512d)sums);
}

#define FMA(A, B, C) __builtin_elementwise_fma(A, B, C)
#define TILE_SUMS 24
#define GROUP 4
#define STORE_PART(Y, SUMS, COUNT) NAME(store_part)(Y, SUMS, COUNT)
#include "stages_family.h"

#pragma clang attribute pop

const serin_stage_kernels *serin_stage_kernels_avx512(void) {
    static const serin_stage_kernels kernels = {.name = "avx512", .run = run, .run_linear = run_linear};
    const int has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
    return has ? &kernels : NULL;
}
#else
const serin_stage_kernels *serin_stage_kernels_avx512(void) { return NULL; }
#endif
