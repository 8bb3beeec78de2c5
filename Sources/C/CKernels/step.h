// One step down a complete tree in breadth-first order: from a place to its left child at
// 2 × place, or to the right one behind it.
//
// The compare leaves its answer in the carry, and adding a place to itself with carry is the step.
// Compilers materialize the flag first: three instructions where one does, 13% of a whole row.  So
// x86-64 gets the two instructions by hand, and everybody else the same in C.
#pragma once

#include "kernels.h"

/// Right where `rank` is above `limit`.
SERIN_INLINE size_t step_rank(size_t place, const uint16_t *rank, uint32_t limit) {
#if defined(__x86_64__)
    __asm__("cmpw %[rank], %w[limit]\n\tadcq %[place], %[place]"
            : [place] "+r"(place)
            : [rank] "m"(*rank), [limit] "r"(limit)
            : "cc");
    return place;
#else
    return 2 * place + (*rank > limit);
#endif
}

/// Right where `key` is above `*limit`.
SERIN_INLINE size_t step_key32(size_t place, uint32_t key, const uint32_t *limit) {
#if defined(__x86_64__)
    __asm__("cmpl %[key], %[limit]\n\tadcq %[place], %[place]"
            : [place] "+r"(place)
            : [key] "r"(key), [limit] "m"(*limit)
            : "cc");
    return place;
#else
    return 2 * place + (key > *limit);
#endif
}

/// Right where `key` is above `*limit`.
SERIN_INLINE size_t step_key64(size_t place, uint64_t key, const uint64_t *limit) {
#if defined(__x86_64__)
    __asm__("cmpq %[key], %[limit]\n\tadcq %[place], %[place]"
            : [place] "+r"(place)
            : [key] "r"(key), [limit] "m"(*limit)
            : "cc");
    return place;
#else
    return 2 * place + (key > *limit);
#endif
}
