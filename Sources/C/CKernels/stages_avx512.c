// The stages for AVX-512.
#include "fold.h"
#include "program.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,fma,popcnt"))), apply_to = function)

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

#define FMA(A, B, C) __builtin_elementwise_fma(A, B, C)
#define SPARSE_BATCHES 1
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
