// From rows to planes with AVX-512: values are turned to columns, and 16 rows search at once.
//
// A search is 8 steps down a complete tree whose keys stay in registers: 31 keys of the first five
// levels in two, which vpermi2ps picks from by the place itself; level 5 in two more, level 6 in four,
// level 7 in eight.  255 thresholds are 15 picks, 8 compares and 3 blends for 16 rows.
#pragma once

#include "bitslice.h"

#include <immintrin.h>

// ---- turning

/// Sixteen rows of sixteen floats become sixteen features of sixteen rows.
SERIN_INLINE void transpose_floats(__m512 r[16]) {
    __m512 t[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    // r[4g + f] becomes rows 4g … 4g + 3 of features f, 4 + f, 8 + f and 12 + f.
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 4)
        for (int half = 0; half < 2; half++) {
            __m512d a = _mm512_castps_pd(t[i + half]), b = _mm512_castps_pd(t[i + 2 + half]);
            r[i + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            r[i + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
#pragma clang loop unroll(full)
    for (int f = 0; f < 4; f++) {
        __m512 a = _mm512_shuffle_f32x4(r[f], r[4 + f], 0x88), b = _mm512_shuffle_f32x4(r[f], r[4 + f], 0xdd);
        __m512 c = _mm512_shuffle_f32x4(r[8 + f], r[12 + f], 0x88);
        __m512 d = _mm512_shuffle_f32x4(r[8 + f], r[12 + f], 0xdd);
        t[f] = _mm512_shuffle_f32x4(a, c, 0x88);
        t[8 + f] = _mm512_shuffle_f32x4(a, c, 0xdd);
        t[4 + f] = _mm512_shuffle_f32x4(b, d, 0x88);
        t[12 + f] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) r[i] = t[i];
}

/// Eight rows of eight doubles become eight features of eight rows.
SERIN_INLINE void transpose_doubles(__m512d r[8]) {
    __m512d t[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_pd(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_pd(r[i], r[i + 1]);
    }
    // t[2g + f] is rows 2g and 2g + 1 of features f, 2 + f, 4 + f and 6 + f.
#pragma clang loop unroll(full)
    for (int f = 0; f < 2; f++) {
        __m512d a = _mm512_shuffle_f64x2(t[f], t[2 + f], 0x88), b = _mm512_shuffle_f64x2(t[f], t[2 + f], 0xdd);
        __m512d c = _mm512_shuffle_f64x2(t[4 + f], t[6 + f], 0x88);
        __m512d d = _mm512_shuffle_f64x2(t[4 + f], t[6 + f], 0xdd);
        r[f] = _mm512_shuffle_f64x2(a, c, 0x88);
        r[4 + f] = _mm512_shuffle_f64x2(a, c, 0xdd);
        r[2 + f] = _mm512_shuffle_f64x2(b, d, 0x88);
        r[6 + f] = _mm512_shuffle_f64x2(b, d, 0xdd);
    }
}

SERIN_INLINE __m512 join(__m256 low, __m256 high) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}

/// Sixteen of a row's values, rounded to the nearest float.
SERIN_INLINE __m512 row_floats(const serin_row *row, size_t feature, __mmask16 wanted) {
    if (row->value_width == SERIN_FLOAT32) return _mm512_maskz_loadu_ps(wanted, (const float *)row->values + feature);
    const double *values = (const double *)row->values + feature;
    return join(
        _mm512_cvtpd_ps(_mm512_maskz_loadu_pd((__mmask8)wanted, values)),
        _mm512_cvtpd_ps(_mm512_maskz_loadu_pd((__mmask8)(wanted >> 8), values + 8)));
}

/// Eight of a row's values, widened if they are floats.
SERIN_INLINE __m512d row_doubles(const serin_row *row, size_t feature, __mmask8 wanted) {
    if (row->value_width == SERIN_FLOAT64) return _mm512_maskz_loadu_pd(wanted, (const double *)row->values + feature);
    return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(wanted, (const float *)row->values + feature));
}

/// Sixteen features of 64 rows, of which `count` are there.
static void load_floats(const serin_slice_work *work, size_t first_row, size_t feature, size_t count) {
    const __mmask16 wanted = count >= 16 ? 0xffff : (__mmask16)((1u << count) - 1);
    for (size_t group = 0; group < 4; group++) {
        __m512 r[16];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 16; i++)
            r[i] = row_floats(serin_slice_row(work, first_row + 16 * group + i), feature, wanted);
        transpose_floats(r);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 16; i++) _mm512_store_ps(work->floats + 64 * i + 16 * group, r[i]);
    }
}

static void load_doubles(const serin_slice_work *work, size_t first_row, size_t feature, size_t count) {
    const __mmask16 wanted = count >= 16 ? 0xffff : (__mmask16)((1u << count) - 1);
    for (size_t half = 0; half < 16; half += 8)
        for (size_t group = 0; group < 8; group++) {
            const __mmask8 own = (__mmask8)(wanted >> half);
            __m512d r[8];
            if (own == 0) continue;
#pragma clang loop unroll(full)
            for (size_t i = 0; i < 8; i++)
                r[i] = row_doubles(serin_slice_row(work, first_row + 8 * group + i), feature + half, own);
            transpose_doubles(r);
#pragma clang loop unroll(full)
            for (size_t i = 0; i < 8; i++) _mm512_store_pd(work->doubles + 64 * (half + i) + 8 * group, r[i]);
        }
}

// ---- searching

/// A search tree of up to 8 levels: the root and its children in every lane, then all keys.
typedef struct {
    __m512 root, left, right;
    __m512 keys[16];
} search_tree;

SERIN_INLINE void load_tree(const float *keys, unsigned levels, search_tree *tree) {
    tree->root = _mm512_set1_ps(keys[1]);
    tree->left = _mm512_set1_ps(keys[2]);
    tree->right = _mm512_set1_ps(keys[3]);
    const int registers = levels <= 5 ? 2 : 1 << (levels - 4);
#pragma clang loop unroll(full)
    for (int i = 0; i < registers; i++) tree->keys[i] = _mm512_load_ps(keys + 16 * i);
}

/// The keys at `place` (2^level … 2^(level + 1) - 1) from level 2 on; `steps` are the answers so far.
SERIN_INLINE __m512 key_at(const search_tree *tree, unsigned level, __m512i place, const __mmask16 *steps) {
    if (level < 5) return _mm512_permutex2var_ps(tree->keys[0], place, tree->keys[1]);
    const __m512 *own = tree->keys + (1 << (level - 4));
    __m512 a = _mm512_permutex2var_ps(own[0], place, own[1]);
    if (level == 5) return a;
    __m512 b = _mm512_permutex2var_ps(own[2], place, own[3]);
    if (level == 6) return _mm512_mask_blend_ps(steps[0], a, b);
    __m512 c = _mm512_permutex2var_ps(own[4], place, own[5]), d = _mm512_permutex2var_ps(own[6], place, own[7]);
    return _mm512_mask_blend_ps(
        steps[0], _mm512_mask_blend_ps(steps[1], a, b), _mm512_mask_blend_ps(steps[1], c, d));
}

/// Where sixteen values end up below the tree; `next` becomes the first key that each did not pass.
SERIN_INLINE __m512i descend(const search_tree *tree, unsigned levels, __m512 value, __m512 *next) {
    const __m512i one = _mm512_set1_epi32(1);
    __mmask16 steps[SERIN_SLICE_LEVELS_MAX];
    __m512 key = tree->root;
    __m512i place = _mm512_set1_epi32(2);
#pragma clang loop unroll(full)
    for (unsigned level = 0; level < levels; level++) {
        if (level == 1) key = _mm512_mask_blend_ps(steps[0], tree->left, tree->right);
        if (level > 1) key = key_at(tree, level, place, steps);
        steps[level] = _mm512_cmp_ps_mask(value, key, _CMP_NLE_UQ);
        if (next) *next = _mm512_mask_mov_ps(key, steps[level], *next);
        if (level > 0) place = _mm512_add_epi32(place, place);
        place = _mm512_mask_add_epi32(place, steps[level], place, one);
    }
    return place;
}

/// Which of eight values are missing; those that count as 0 become it.
SERIN_INLINE __mmask8 missing_doubles(const serin_slice_column *column, __m512d *value) {
    const __m512d magnitude = _mm512_abs_pd(*value);
    __mmask8 missing = _mm512_cmp_pd_mask(magnitude, _mm512_set1_pd(column->missing_band), _CMP_NGT_UQ);
    if (!column->missing_is_zero) return missing;
    *value = _mm512_mask_mov_pd(*value, missing, _mm512_setzero_pd());
    return 0;
}

SERIN_INLINE __mmask16 missing_floats(const serin_slice_column *column, __m512 *value) {
    if (column->missing_band < 0) {
        __mmask16 missing = _mm512_cmp_ps_mask(*value, *value, _CMP_UNORD_Q);
        if (!column->missing_is_zero) return missing;
        *value = _mm512_mask_mov_ps(*value, missing, _mm512_setzero_ps());
        return 0;
    }
    __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(*value));
    __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(*value, 1));
    return (__mmask16)(missing_doubles(column, &low) | missing_doubles(column, &high) << 8);
}

/// Where a rounded value equals a rounded limit, the doubles decide: rare, so one by one.
static __m512i exact_places(
    const serin_forest *forest, const serin_slice_column *column, const double *values, __m512i place, __mmask16 ties) {
    uint32_t places[16];
    _mm512_storeu_si512(places, place);
    const uint32_t base = 1u << column->levels;
    for (uint32_t left = ties; left; left &= left - 1) {
        int i = __builtin_ctz(left);
        places[i] = base + serin_slice_exact_rank(forest, column, values[i], places[i] - base);
    }
    return _mm512_loadu_si512(places);
}

/// Sixteen values, from the doubles if there are any.
SERIN_INLINE __m512i search_group(
    const serin_slice_work *work, const serin_slice_column *column, size_t offset, const search_tree *tree,
    unsigned levels, int is_exact, __mmask16 *missing) {
    if (!is_exact) {
        __m512 value = _mm512_load_ps(work->floats + offset);
        *missing = missing_floats(column, &value);
        return descend(tree, levels, value, NULL);
    }
    __m512d low = _mm512_load_pd(work->doubles + offset), high = _mm512_load_pd(work->doubles + offset + 8);
    *missing = (__mmask16)(missing_doubles(column, &low) | missing_doubles(column, &high) << 8);
    __m512 value = join(
        _mm512_cvt_roundpd_ps(low, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC),
        _mm512_cvt_roundpd_ps(high, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC));
    __m512 next = _mm512_set1_ps(__builtin_inff());
    __m512i place = descend(tree, levels, value, &next);
    __mmask16 ties = _mm512_cmp_ps_mask(value, next, _CMP_EQ_OQ);
    if (__builtin_expect(ties == 0, 1)) return place;
    double values[16];
    _mm512_storeu_pd(values, low);
    _mm512_storeu_pd(values + 8, high);
    return exact_places(work->forest, column, values, place, ties);
}

/// Bit j of byte 7 - b becomes bit b of byte j, in each of the eight 64-bit numbers.
SERIN_INLINE __m512i transpose_bits(__m512i bytes) {
    return _mm512_gf2p8affine_epi64_epi8(_mm512_set1_epi64((long long)0x8040201008040201ull), bytes, 0);
}

/// Byte b of number q becomes byte q of number b.
SERIN_INLINE __m512i transpose_bytes(__m512i numbers) {
    const __m512i order = _mm512_set_epi64(
        0x3f372f271f170f07, 0x3e362e261e160e06, 0x3d352d251d150d05, 0x3c342c241c140c04, 0x3b332b231b130b03,
        0x3a322a221a120a02, 0x3931292119110901, 0x3830282018100800);
    return _mm512_permutexvar_epi8(order, numbers);
}

/// 64 bytes, one a row, to eight planes, lowest first.
SERIN_INLINE __m512i planes_of(__m512i bytes) {
    const __m512i reversed = _mm512_set4_epi32(0x08090a0b, 0x0c0d0e0f, 0x00010203, 0x04050607);
    return transpose_bytes(transpose_bits(_mm512_shuffle_epi8(bytes, reversed)));
}

/// One column of 64 rows.
SERIN_INLINE void search(
    const serin_slice_work *work, uint32_t c, size_t word, unsigned levels, int is_exact) {
    const serin_slice_column *column = work->forest->slices.columns + c;
    const float *keys = work->forest->slices.keys + column->keys;
    const size_t offset = SERIN_SLICE_ROWS * (size_t)(column->feature % SERIN_SLICE_FEATURES);
    search_tree tree;
    load_tree(keys, levels, &tree);
    __m128i bytes[4];
    uint64_t missing = 0;
#pragma clang loop unroll(full)
    for (size_t group = 0; group < 4; group++) {
        __mmask16 own;
        __m512i place = search_group(work, column, offset + 16 * group, &tree, levels, is_exact, &own);
        bytes[group] = _mm512_cvtepi32_epi8(place);
        missing |= (uint64_t)own << 16 * group;
    }
    const size_t at = (size_t)c * work->words + word;
    const __m512i all = _mm512_inserti64x4(
        _mm512_castsi256_si512(_mm256_set_m128i(bytes[1], bytes[0])), _mm256_set_m128i(bytes[3], bytes[2]), 1);
    _mm512_store_si512(work->planes + at * SERIN_SLICE_LEVELS_MAX, planes_of(all));
    work->missing[at] = missing;
}

/// The masks of a category column for the 64 rows of a word: bit q of a row's answers is question q.
static void answer_categories(const serin_slice_work *work, const serin_slice_categories *own, size_t word) {
    const serin_category_column *column = work->forest->category_columns + own->column;
    const uint16_t *rows[SERIN_SLICE_ROWS];
    _Alignas(64) uint16_t answers[SERIN_SLICE_ROWS];
    serin_slice_category_rows(work, column, word, rows);
    uint64_t *masks = work->masks + own->first_mask * work->words + word;
    for (uint32_t w = 0; w < column->word_count; w++) {
        for (size_t i = 0; i < SERIN_SLICE_ROWS; i++) answers[i] = rows[i][w];
        const __m512i low = _mm512_load_si512(answers), high = _mm512_load_si512(answers + 32);
        for (int bit = 0; bit < 16; bit++, masks += work->words) {
            const __m512i wanted = _mm512_set1_epi16((short)(1 << bit));
            *masks = _mm512_test_epi16_mask(low, wanted) | (uint64_t)_mm512_test_epi16_mask(high, wanted) << 32;
        }
    }
}
