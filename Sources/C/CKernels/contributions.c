// TreeSHAP over trees of any shape; serin_contributions.h says how it works.
//
//     row ──► ranks, once ──► for each group of trees: sides of its splits ──► down and up
//
// Three builds of the same loops.  Products and sums are not fused, so that all three give the same bits.
#include "serin_contributions.h"

#include "kernels.h"

#include <string.h>

void serin_shap_rank(const serin_shap_forest *forest, const serin_shap_scratch *scratch) {
    for (uint32_t i = 0; i < forest->slot_count; i++) {
        const serin_shap_slot *slot = forest->slots + i;
        double value = scratch->values[slot->value];
        if (value != value) {
            scratch->ranks[i] = slot->missing;
            continue;
        }
        // The first of `length` thresholds that the value is not above; no branch to mispredict.
        const double *first = forest->thresholds + slot->first;
        const double *low = first;
        for (uint32_t length = slot->count; length > 1;) {
            uint32_t half = length / 2;
            low += low[half - 1] < value ? half : 0;
            length -= half;
        }
        scratch->ranks[i] = (uint16_t)(low - first) + (slot->count && *low < value) + slot->base;
    }
}

/// The sides of category splits, and which splits on a feature that was split on before still count.
SERIN_INLINE void shap_prepare(
    const serin_shap_group *group, const uint64_t *category_words, const serin_shap_scratch *scratch) {
    for (uint32_t i = 0; i < group->category_count; i++) {
        const serin_shap_category *split = group->categories + i;
        double value = scratch->values[split->value];
        uint8_t side = value != value ? split->missing_right : split->other_right;
        if (value >= 0 && value < (double)split->code_count) {
            uint32_t code = (uint32_t)value;
            side = category_words[split->words + code / 64] >> (code % 64) & 1;
        }
        scratch->sides[split->split] = side;
    }
    if (group->repeat_count == 0) return;
    memset(scratch->passed, 1, group->inner_count + group->last_count);
    for (uint32_t i = 0; i < group->repeat_count; i++) {
        const serin_shap_repeat *repeat = group->repeats + i;
        uint8_t same = scratch->sides[repeat->earlier] == repeat->side;
        scratch->passed[repeat->split] = scratch->passed[repeat->earlier] & same;
    }
}

/// The function of one instruction set, from its parts.
#define SHAP_TREES(NAME, TARGET)                                                                               \
    TARGET static void shap_##NAME(                                                                            \
        const serin_shap_forest *forest, size_t first, size_t end, const serin_shap_scratch *scratch) {        \
        const serin_shap_group *stop = forest->groups + end;                                                     \
        for (const serin_shap_group *group = forest->groups + first; group < stop; group++) {                       \
            decide_##NAME(forest, group, scratch);                                                              \
            shap_prepare(group, forest->category_words, scratch);                                               \
            if (group->lanes == 4)                                                                              \
                group_4_##NAME(group, 0, scratch);                                                               \
            else                                                                                               \
                for (uint32_t block = 0; block < group->blocks; block++) group_8_##NAME(group, block, scratch);   \
        }                                                                                                      \
    }

#define SHAP_TARGET
#define LANES 4
#define SHAP_NAME(part) part##_4_scalar
#define SHAP_VECTOR shap_vector_4_scalar
#include "shap.h"
#define LANES 8
#define SHAP_NAME(part) part##_8_scalar
#define SHAP_VECTOR shap_vector_8_scalar
#include "shap.h"
#undef SHAP_TARGET

static void decide_scalar(
    const serin_shap_forest *forest, const serin_shap_group *group, const serin_shap_scratch *scratch) {
    (void)forest;
    size_t count = group->inner_count + group->last_count;
    for (size_t i = 0; i < count; i++) scratch->sides[i] = scratch->ranks[group->slots[i]] > group->ranks[i];
}

SHAP_TREES(scalar, )

#if defined(__x86_64__)
#include <immintrin.h>

#define SHAP_TARGET __attribute__((target("avx2")))
#define LANES 4
#define SHAP_NAME(part) part##_4_avx2
#define SHAP_VECTOR shap_vector_4_avx2
#include "shap.h"
#define LANES 8
#define SHAP_NAME(part) part##_8_avx2
#define SHAP_VECTOR shap_vector_8_avx2
#include "shap.h"

SHAP_TARGET static void decide_avx2(
    const serin_shap_forest *forest, const serin_shap_group *group, const serin_shap_scratch *scratch) {
    (void)forest;
    size_t count = group->inner_count + group->last_count;
    const __m256i low = _mm256_set1_epi32(0xffff);
    for (size_t i = 0; i < count; i += 8) {
        __m256i slots = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(group->slots + i)));
        __m256i limits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(group->ranks + i)));
        __m256i ranks = _mm256_and_si256(_mm256_i32gather_epi32((const int *)scratch->ranks, slots, 2), low);
        __m256i right = _mm256_srli_epi32(_mm256_cmpgt_epi32(ranks, limits), 31);
        __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(right), _mm256_extracti128_si256(right, 1));
        _mm_storel_epi64((__m128i *)(scratch->sides + i), _mm_packus_epi16(words, words));
    }
}

SHAP_TREES(avx2, SHAP_TARGET)
#undef SHAP_TARGET

#define SHAP_TARGET __attribute__((target("avx2,avx512f,avx512bw,avx512dq,avx512vl")))
#define LANES 4
#define SHAP_NAME(part) part##_4_avx512
#define SHAP_VECTOR shap_vector_4_avx512
#include "shap.h"
#define LANES 8
#define SHAP_NAME(part) part##_8_avx512
#define SHAP_VECTOR shap_vector_8_avx512
#include "shap.h"

/// Up to 64 slots lie in two registers, and a permutation fetches 32 at once.
SHAP_TARGET static void decide_avx512(
    const serin_shap_forest *forest, const serin_shap_group *group, const serin_shap_scratch *scratch) {
    if (forest->slot_count > 64) {
        decide_avx2(forest, group, scratch);
        return;
    }
    size_t count = group->inner_count + group->last_count;
    const __m512i low = _mm512_loadu_si512(scratch->ranks);
    const __m512i high = _mm512_loadu_si512(scratch->ranks + 32);
    for (size_t i = 0; i < count; i += 32) {
        __m512i ranks = _mm512_permutex2var_epi16(low, _mm512_loadu_si512(group->slots + i), high);
        __mmask32 right = _mm512_cmpgt_epu16_mask(ranks, _mm512_loadu_si512(group->ranks + i));
        _mm256_storeu_si256((__m256i *)(scratch->sides + i), _mm256_maskz_set1_epi8(right, 1));
    }
}

SHAP_TREES(avx512, SHAP_TARGET)
#undef SHAP_TARGET

static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

serin_shap_function *serin_shap_named(const char *name) {
    if (!strcmp(name, "avx512")) return has_avx512() ? shap_avx512 : NULL;
    if (!strcmp(name, "avx2")) return __builtin_cpu_supports("avx2") ? shap_avx2 : NULL;
    return !strcmp(name, "scalar") ? shap_scalar : NULL;
}

serin_shap_function *serin_shap_best(void) {
    if (has_avx512()) return shap_avx512;
    return __builtin_cpu_supports("avx2") ? shap_avx2 : shap_scalar;
}
#else
serin_shap_function *serin_shap_named(const char *name) { return !strcmp(name, "scalar") ? shap_scalar : NULL; }

serin_shap_function *serin_shap_best(void) { return shap_scalar; }
#endif
