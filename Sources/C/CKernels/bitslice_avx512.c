// Bit slices with AVX-512 (VBMI and GFNI): words of 512 rows, or of 64.
#include "bitslice.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(                                                                            \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,gfni,bmi,bmi2,popcnt"))),       \
    apply_to = function)

typedef uint64_t words8 __attribute__((vector_size(64)));

#include "bitslice_search_avx512.h"
#include "bitslice_leaves_avx512.h"

#define WORD words8
#define WORDS 8
#define NAME(X) X##_512
#include "bitslice_words.h"
#undef WORD
#undef WORDS
#undef NAME

#define WORD uint64_t
#define WORDS 1
#define NAME(X) X##_64
#include "bitslice_words.h"
#undef WORD
#undef WORDS
#undef NAME

void serin_bitslice_avx512(const serin_slice_work *work) {
    const serin_slices *slices = &work->forest->slices;
    for (size_t word = 0; word < work->words; word++) {
        rank_word(work, word);
        for (uint32_t c = 0; c < slices->category_count; c++) answer_categories(work, slices->categories + c, word);
    }
    if (work->words == 8)
        score_512(work);
    else
        score_64(work);
}

#pragma clang attribute pop
#endif
