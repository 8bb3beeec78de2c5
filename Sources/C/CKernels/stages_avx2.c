// The stages for AVX2 with FMA: a vector of 64 bytes is two registers.
#include "fold.h"
#include "nonzero.h"
#include "program.h"

// Vectors of 64 bytes are passed between inlined functions only, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

typedef float vector_float __attribute__((ext_vector_type(16)));
typedef double vector_double __attribute__((ext_vector_type(8)));

SERIN_DEFINE_FOLD_FLOAT(vector_float)
SERIN_DEFINE_FOLD_DOUBLE(vector_double)
SERIN_DEFINE_NONZERO(nonzero_float, float)
SERIN_DEFINE_NONZERO(nonzero_double, double)

SERIN_INLINE vector_float load_part_float(const float *x, size_t count) {
    vector_float vector = 0;
    for (size_t i = 0; i < count; i++) vector[i] = x[i];
    return vector;
}

SERIN_INLINE vector_double load_part_double(const double *x, size_t count) {
    vector_double vector = 0;
    for (size_t i = 0; i < count; i++) vector[i] = x[i];
    return vector;
}

#define FMA(A, B, C) __builtin_elementwise_fma(A, B, C)
#define SPARSE_BATCHES 0
#define TILE_SUMS 6
#define GROUP 1
#define STORE_PART(Y, SUMS, COUNT) \
    for (size_t lane = 0; lane < (COUNT); lane++) (Y)[lane] = (SUMS)[lane]
#include "stages_family.h"

#pragma clang attribute pop

const serin_stage_kernels *serin_stage_kernels_avx2(void) {
    static const serin_stage_kernels kernels = {.name = "avx2", .run = run, .run_linear = run_linear};
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kernels : NULL;
}
#else
const serin_stage_kernels *serin_stage_kernels_avx2(void) { return NULL; }
#endif
