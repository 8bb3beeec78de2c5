// TreeSHAP over trees of any shape; serin_contributions.h says how it works.
//
// Three builds of the same two loops: decide which side of every split the row takes, then go down and
// up the tree.  Products and sums are not fused, so that all three give the same bits.
#include "serin_contributions.h"

#include "kernels.h"

#include <string.h>

/// Which splits on a feature that was split on before still count, and the sides of category splits.
SERIN_INLINE void shap_prepare(
    const serin_shap_tree *tree, const uint64_t *category_words, const serin_shap_scratch *scratch) {
    for (uint32_t i = 0; i < tree->category_count; i++) {
        const serin_shap_category *split = tree->categories + i;
        double value = scratch->values[split->column];
        uint8_t side = value != value ? split->missing_right : split->other_right;
        if (value >= 0 && value < (double)split->code_count) {
            uint32_t code = (uint32_t)value;
            side = category_words[split->words + code / 64] >> (code % 64) & 1;
        }
        scratch->sides[split->split] = side;
    }
    memset(scratch->passed, 1, tree->inner_count + tree->last_count);
    for (uint32_t i = 0; i < tree->repeat_count; i++) {
        const serin_shap_repeat *repeat = tree->repeats + i;
        uint8_t same = scratch->sides[repeat->earlier] == repeat->side;
        scratch->passed[repeat->split] = scratch->passed[repeat->earlier] & same;
    }
}

#define SHAP_TREES(NAME, TARGET, DECIDE, TREE4, TREE8)                                                        \
    TARGET static void NAME(                                                                                   \
        const serin_shap_tree *trees, size_t count, const uint64_t *words, const serin_shap_scratch *scratch) { \
        for (const serin_shap_tree *tree = trees; tree < trees + count; tree++) {                              \
            DECIDE(tree, scratch);                                                                             \
            shap_prepare(tree, words, scratch);                                                                \
            if (tree->lanes == 4)                                                                              \
                TREE4(tree, 0, scratch);                                                                       \
            else                                                                                               \
                for (uint32_t block = 0; block < tree->blocks; block++) TREE8(tree, block, scratch);           \
        }                                                                                                      \
    }

#define SHAP_TARGET
#define LANES 4
#define SHAP_NAME tree4_scalar
#define SHAP_VECTOR shap_vector4_scalar
#include "shap.h"
#define LANES 8
#define SHAP_NAME tree8_scalar
#define SHAP_VECTOR shap_vector8_scalar
#include "shap.h"
#undef SHAP_TARGET

static void decide_scalar(const serin_shap_tree *tree, const serin_shap_scratch *scratch) {
    size_t count = tree->inner_count + tree->last_count;
    for (size_t i = 0; i < count; i++) {
        double value = scratch->values[tree->columns[i]];
        uint8_t left = value <= tree->thresholds[i];
        uint8_t missing = value != value;
        scratch->sides[i] = (uint8_t)(left | (missing & tree->missing_left[i])) ^ 1;
    }
}

SHAP_TREES(shap_scalar, , decide_scalar, tree4_scalar, tree8_scalar)

serin_shap_function *serin_shap_scalar(void) { return shap_scalar; }

#if defined(__x86_64__)
#include <immintrin.h>

#define SHAP_TARGET __attribute__((target("avx2")))
#define LANES 4
#define SHAP_NAME tree4_avx2
#define SHAP_VECTOR shap_vector4_avx2
#include "shap.h"
#define LANES 8
#define SHAP_NAME tree8_avx2
#define SHAP_VECTOR shap_vector8_avx2
#include "shap.h"

SHAP_TARGET static void decide_avx2(const serin_shap_tree *tree, const serin_shap_scratch *scratch) {
    size_t count = tree->inner_count + tree->last_count;
    for (size_t i = 0; i < count; i += 4) {
        __m128i columns = _mm_loadu_si128((const __m128i *)(tree->columns + i));
        __m256d value = _mm256_i32gather_pd(scratch->values, columns, 8);
        __m256d left = _mm256_cmp_pd(value, _mm256_loadu_pd(tree->thresholds + i), _CMP_LE_OQ);
        __m256d missing = _mm256_cmp_pd(value, value, _CMP_UNORD_Q);
        int32_t bytes;
        memcpy(&bytes, tree->missing_left + i, 4);
        __m256d flags = _mm256_castsi256_pd(_mm256_cvtepi8_epi64(_mm_cvtsi32_si128(bytes)));
        left = _mm256_or_pd(left, _mm256_and_pd(missing, flags));
        // One bit a split, to one byte a split.
        uint32_t right = (uint32_t)_mm256_movemask_pd(left) ^ 15;
        uint32_t sides = (right * 0x00204081u) & 0x01010101u;
        memcpy(scratch->sides + i, &sides, 4);
    }
}

SHAP_TREES(shap_avx2, SHAP_TARGET, decide_avx2, tree4_avx2, tree8_avx2)
#undef SHAP_TARGET

#define SHAP_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define LANES 4
#define SHAP_NAME tree4_avx512
#define SHAP_VECTOR shap_vector4_avx512
#include "shap.h"
#define LANES 8
#define SHAP_NAME tree8_avx512
#define SHAP_VECTOR shap_vector8_avx512
#include "shap.h"

SHAP_TARGET static void decide_avx512(const serin_shap_tree *tree, const serin_shap_scratch *scratch) {
    size_t count = tree->inner_count + tree->last_count;
    for (size_t i = 0; i < count; i += 8) {
        __m256i columns = _mm256_loadu_si256((const __m256i *)(tree->columns + i));
        __m512d value = _mm512_i32gather_pd(columns, scratch->values, 8);
        __mmask8 left = _mm512_cmp_pd_mask(value, _mm512_loadu_pd(tree->thresholds + i), _CMP_LE_OQ);
        __mmask8 missing = _mm512_cmp_pd_mask(value, value, _CMP_UNORD_Q);
        __mmask8 flags = (__mmask8)_mm_movepi8_mask(_mm_loadl_epi64((const __m128i *)(tree->missing_left + i)));
        __mmask8 right = (__mmask8)~(left | (missing & flags));
        _mm_storel_epi64((__m128i *)(scratch->sides + i), _mm_maskz_set1_epi8(right, 1));
    }
}

SHAP_TREES(shap_avx512, SHAP_TARGET, decide_avx512, tree4_avx512, tree8_avx512)
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
