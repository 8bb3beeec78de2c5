// The instruction sets of the AVX-512 kernels.  Files that include this are compiled for every
// x86-64 machine; dispatch.c calls into them only where the processor has all of these.
#pragma once

#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define SERIN_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vbmi,avx512vbmi2,avx512vpopcntdq,avx2,bmi,bmi2,lzcnt,popcnt,fma"
#define AVX512 __attribute__((target(SERIN_AVX512)))
#define AVX512_INLINE static inline __attribute__((always_inline, target(SERIN_AVX512)))
#endif
