// The stages for AVX2 with FMA: a vector of 64 bytes is two registers.
#include "fold.h"
#include "nonzero.h"
#include "program.h"
#include "sigmoid.h"

#include <string.h>

// Vectors of 64 bytes are passed between inlined functions only, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,bmi2,fma,popcnt"))), apply_to = function)

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

/// Which of 8 lanes are marked, in a byte each, the lowest first.
SERIN_INLINE __m128i marked_lanes(uint32_t mask) {
    return _mm_cvtsi64_si128((long long)_pext_u64(0x0706050403020100, _pdep_u64(mask, 0x0101010101010101) * 0xFF));
}

/// Where the weights of 8 inputs of a panel are, of the lanes and from `first` on.
SERIN_INLINE void store_places(uint16_t *places, __m128i lanes, size_t first) {
    const __m128i inputs = _mm_add_epi16(_mm_cvtepu8_epi16(lanes), _mm_set1_epi16((short)first));
    _mm_storeu_si128((__m128i_u *)places, _mm_slli_epi16(inputs, 8));
}

/// The numbers of a row that are not 0 and where their weights are; how many.  Both have room for `count`
/// rounded up to 8.
SERIN_INLINE size_t list_float(const float *x, size_t count, float *values, uint16_t *places) {
    size_t found = 0;
    for (size_t i = 0; i < count; i += 8) {
        float part[8] = {0};
        if (count - i < 8) memcpy(part, x + i, (count - i) * sizeof *x);
        const __m256 numbers = _mm256_loadu_ps(count - i < 8 ? part : x + i);
        const uint32_t is = (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(numbers, _mm256_setzero_ps(), _CMP_NEQ_UQ));
        const __m128i lanes = marked_lanes(is);
        _mm256_storeu_ps(values + found, _mm256_permutevar8x32_ps(numbers, _mm256_cvtepu8_epi32(lanes)));
        store_places(places + found, lanes, i);
        found += (size_t)__builtin_popcount(is);
    }
    return found;
}

SERIN_DEFINE_LIST(list_double, double)

#define FMA(A, B, C) __builtin_elementwise_fma(A, B, C)

#define SIGMOID_LANES 4
typedef float floats __attribute__((ext_vector_type(4)));
typedef double doubles __attribute__((ext_vector_type(4)));
typedef int64_t integers __attribute__((ext_vector_type(4)));

SERIN_INLINE integers powers_of(integers bits) {
    return (integers)_mm256_i64gather_epi64((const long long *)serin_powers, (__m256i)(bits & 31), 8);
}

#define FLOATS floats
#define DOUBLES doubles
#define INTEGERS integers
#include "sigmoid_lanes.h"

#define SPARSE_TOGETHER 1
#define FLOAT_SIGMOIDS sigmoids_float
#define FLOAT_SIGMOID_STEP SIGMOID_LANES
#define DOT_TOGETHER 2
#define TILE_SUMS 6
#define GROUP 1
#define ROW_GROUP 4
#define STORE_PART(Y, SUMS, COUNT) \
    for (size_t lane = 0; lane < (COUNT); lane++) (Y)[lane] = (SUMS)[lane]
#include "stages_family.h"

#pragma clang attribute pop

const serin_stage_kernels *serin_stage_kernels_avx2(void) {
    static const serin_stage_kernels kernels = {.name = "avx2", .run = run, .run_linear = run_linear};
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma") ? &kernels : NULL;
}
#else
const serin_stage_kernels *serin_stage_kernels_avx2(void) { return NULL; }
#endif
