// The instruction sets of the AVX2 kernels; see avx512.h.
#pragma once

#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define SERIN_AVX2 "avx2,bmi,bmi2,lzcnt,popcnt,fma"
#define AVX2 __attribute__((target(SERIN_AVX2)))
#define AVX2_INLINE static inline __attribute__((always_inline, target(SERIN_AVX2)))
#endif
