// The stages for AVX-512.
#include "fold.h"
#include "program.h"
#include "sigmoid.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512vbmi2,fma,popcnt"))), apply_to = function)

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

/// The places of a row's numbers that are not 0; their count.  `places` has room for `count` rounded up to 16.
SERIN_INLINE size_t nonzero_float(const float *x, size_t count, uint16_t *places) {
    const __m512i steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    size_t found = 0;
    for (size_t i = 0; i < count; i += 16) {
        const __mmask16 there = (__mmask16)(count - i < 16 ? (1u << (count - i)) - 1 : 0xFFFF);
        const __m512 numbers = _mm512_maskz_loadu_ps(there, x + i);
        const __mmask16 is = _mm512_cmp_ps_mask(numbers, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        const __m512i kept = _mm512_maskz_compress_epi32(is, _mm512_add_epi32(steps, _mm512_set1_epi32((int)i)));
        _mm256_storeu_si256((__m256i_u *)(places + found), _mm512_cvtepi32_epi16(kept));
        found += (size_t)__builtin_popcount(is);
    }
    return found;
}

SERIN_INLINE size_t nonzero_double(const double *x, size_t count, uint16_t *places) {
    const __m512i steps = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    size_t found = 0;
    for (size_t i = 0; i < count; i += 8) {
        const __mmask8 there = (__mmask8)(count - i < 8 ? (1u << (count - i)) - 1 : 0xFF);
        const __m512d numbers = _mm512_maskz_loadu_pd(there, x + i);
        const __mmask8 is = _mm512_cmp_pd_mask(numbers, _mm512_setzero_pd(), _CMP_NEQ_UQ);
        const __m512i kept = _mm512_maskz_compress_epi64(is, _mm512_add_epi64(steps, _mm512_set1_epi64((long long)i)));
        _mm_storeu_si128((__m128i_u *)(places + found), _mm512_cvtepi64_epi16(kept));
        found += (size_t)__builtin_popcount(is);
    }
    return found;
}

/// Where 32 inputs' weights of a panel are, from `first` on.
SERIN_INLINE __m512i input_places(size_t first) {
    const __m512i steps = _mm512_set_epi16(
        31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1,
        0);
    return _mm512_slli_epi16(_mm512_add_epi16(steps, _mm512_set1_epi16((short)first)), 8);
}

/// The numbers of a row that are not 0 and where their weights are; how many.  Both have room for `count`
/// rounded up to 32.
SERIN_INLINE size_t list_float(const float *x, size_t count, float *values, uint16_t *places) {
    size_t found = 0;
    for (size_t i = 0; i < count; i += 32) {
        const uint32_t there = count - i < 32 ? (1u << (count - i)) - 1 : UINT32_MAX;
        const __m512 low = _mm512_maskz_loadu_ps((__mmask16)there, x + i);
        const __m512 high = _mm512_maskz_loadu_ps((__mmask16)(there >> 16), x + i + 16);
        const __mmask16 is_low = _mm512_cmp_ps_mask(low, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        const __mmask16 is_high = _mm512_cmp_ps_mask(high, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        const __mmask32 is = _mm512_kunpackw(is_high, is_low);
        _mm512_storeu_ps(values + found, _mm512_maskz_compress_ps(is_low, low));
        _mm512_storeu_ps(
            values + found + __builtin_popcount(is_low), _mm512_maskz_compress_ps(is_high, high));
        _mm512_storeu_si512(places + found, _mm512_maskz_compress_epi16(is, input_places(i)));
        found += (size_t)__builtin_popcount(is);
    }
    return found;
}

SERIN_INLINE size_t list_double(const double *x, size_t count, double *values, uint16_t *places) {
    size_t found = 0;
    for (size_t i = 0; i < count; i += 32) {
        uint32_t is = 0;
        size_t at = found;
        for (size_t part = i; part < i + 32 && part < count; part += 8) {
            const __mmask8 there = (__mmask8)(count - part < 8 ? (1u << (count - part)) - 1 : 0xFF);
            const __m512d numbers = _mm512_maskz_loadu_pd(there, x + part);
            const __mmask8 are = _mm512_cmp_pd_mask(numbers, _mm512_setzero_pd(), _CMP_NEQ_UQ);
            _mm512_storeu_pd(values + at, _mm512_maskz_compress_pd(are, numbers));
            at += (size_t)__builtin_popcount(are);
            is |= (uint32_t)are << (part - i);
        }
        _mm512_storeu_si512(places + found, _mm512_maskz_compress_epi16(is, input_places(i)));
        found = at;
    }
    return found;
}

/// Up to 32 rows by how much each has, the least first.
SERIN_INLINE void sparse_order(const uint8_t *counts, size_t rows, uint8_t *order) {
    const __mmask32 there = (__mmask32)((1ull << rows) - 1);
    uint16_t keys[32];
    for (size_t row = 0; row < rows; row++) keys[row] = (uint16_t)(counts[row] * 32 + row);
    const __m512i all = _mm512_maskz_loadu_epi16(there, keys);
    for (size_t row = 0; row < rows; row++)
        order[__builtin_popcount(_mm512_mask_cmplt_epu16_mask(there, all, _mm512_set1_epi16((short)keys[row])))] =
            (uint8_t)row;
}

/// Four numbers in every fourth of a vector, and the K-th of them in all lanes.
typedef vector_float four_float;
typedef vector_double four_double;
SERIN_INLINE vector_float load_four_float(const float *x) {
    vector_float four = (vector_float)_mm512_broadcast_f32x4(_mm_loadu_ps(x));
    // Or the compiler finds another way for each lane.
    __asm__("" : "+v"(four));
    return four;
}

SERIN_INLINE vector_double load_four_double(const double *x) {
    vector_double four = (vector_double)_mm512_broadcast_f64x4(_mm256_loadu_pd(x));
    __asm__("" : "+v"(four));
    return four;
}

#define spread_float(FOUR, K) (vector_float)_mm512_permute_ps((__m512)(FOUR), (K) * 0x55)
#define spread_double(FOUR, K) (vector_double)_mm512_permutex_pd((__m512d)(FOUR), (K) * 0x55)
#define FMA(A, B, C) __builtin_elementwise_fma(A, B, C)

#define SIGMOID_LANES 8
typedef float floats __attribute__((ext_vector_type(8)));
typedef int64_t integers __attribute__((ext_vector_type(8)));

/// The table is in four registers.
SERIN_INLINE integers powers_of(integers bits) {
    const __m512i places = (__m512i)bits;
    const __m512i low =
        _mm512_permutex2var_epi64(_mm512_load_si512(serin_powers), places, _mm512_load_si512(serin_powers + 8));
    const __m512i high =
        _mm512_permutex2var_epi64(_mm512_load_si512(serin_powers + 16), places, _mm512_load_si512(serin_powers + 24));
    return (integers)_mm512_mask_blend_epi64(_mm512_test_epi64_mask(places, _mm512_set1_epi64(16)), low, high);
}

#define FLOATS floats
#define DOUBLES vector_double
#define INTEGERS integers
#include "sigmoid_lanes.h"

#define SPARSE_TOGETHER 4
#define FLOAT_SIGMOIDS sigmoids_float
#define FLOAT_SIGMOID_STEP SIGMOID_LANES
#define DOT_TOGETHER 4
#define TILE_SUMS 24
#define GROUP 4
#define ROW_GROUP 4
#define STORE_PART(Y, SUMS, COUNT) NAME(store_part)(Y, SUMS, COUNT)
#include "stages_family.h"

#pragma clang attribute pop

const serin_stage_kernels *serin_stage_kernels_avx512(void) {
    static const serin_stage_kernels kernels = {.name = "avx512", .run = run, .run_linear = run_linear};
    const int has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("fma");
    return has ? &kernels : NULL;
}
#else
const serin_stage_kernels *serin_stage_kernels_avx512(void) { return NULL; }
#endif
