// From rows to planes with AVX2: values are turned to columns, and 8 rows search at once.
//
// The first five levels of a search tree stay in registers: vpermps picks from seven keys of the first
// three by the place itself, level 3 from eight more, level 4 from two eights.  Deeper levels gather.
#pragma once

#include "bitslice.h"

#include <immintrin.h>

// ---- turning

/// Eight rows of eight floats become eight features of eight rows.
SERIN_INLINE void transpose_floats(__m256 r[8]) {
    __m256 t[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    // r[4g + f] becomes rows 4g … 4g + 3 of features f and 4 + f.
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 4)
        for (int half = 0; half < 2; half++) {
            r[i + 2 * half] = _mm256_shuffle_ps(t[i + half], t[i + 2 + half], 0x44);
            r[i + 2 * half + 1] = _mm256_shuffle_ps(t[i + half], t[i + 2 + half], 0xee);
        }
#pragma clang loop unroll(full)
    for (int f = 0; f < 4; f++) {
        __m256 a = r[f], b = r[4 + f];
        r[f] = _mm256_permute2f128_ps(a, b, 0x20);
        r[4 + f] = _mm256_permute2f128_ps(a, b, 0x31);
    }
}

/// Four rows of four doubles become four features of four rows.
SERIN_INLINE void transpose_doubles(__m256d r[4]) {
    __m256d a = _mm256_unpacklo_pd(r[0], r[1]), b = _mm256_unpackhi_pd(r[0], r[1]);
    __m256d c = _mm256_unpacklo_pd(r[2], r[3]), d = _mm256_unpackhi_pd(r[2], r[3]);
    r[0] = _mm256_permute2f128_pd(a, c, 0x20);
    r[1] = _mm256_permute2f128_pd(b, d, 0x20);
    r[2] = _mm256_permute2f128_pd(a, c, 0x31);
    r[3] = _mm256_permute2f128_pd(b, d, 0x31);
}

/// All ones in the first `count` of 8, or of 4.
SERIN_INLINE __m256i first_floats(size_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
SERIN_INLINE __m256i first_doubles(size_t count) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)count), _mm256_setr_epi64x(0, 1, 2, 3));
}

/// Up to four of a row's doubles.
SERIN_INLINE __m256d four_doubles(const double *values, size_t wanted) {
    return _mm256_maskload_pd(values, first_doubles(wanted));
}

/// Up to eight of a row's values, rounded to the nearest float.
SERIN_INLINE __m256 row_floats(const serin_row *row, size_t feature, size_t wanted) {
    if (row->value_width == SERIN_FLOAT32)
        return _mm256_maskload_ps((const float *)row->values + feature, first_floats(wanted));
    const double *values = (const double *)row->values + feature;
    __m128 low = _mm256_cvtpd_ps(four_doubles(values, wanted));
    __m128 high = wanted > 4 ? _mm256_cvtpd_ps(four_doubles(values + 4, wanted - 4)) : _mm_setzero_ps();
    return _mm256_set_m128(high, low);
}

/// Up to four of a row's values, widened if they are floats.
SERIN_INLINE __m256d row_doubles(const serin_row *row, size_t feature, size_t wanted) {
    if (row->value_width == SERIN_FLOAT64) return four_doubles((const double *)row->values + feature, wanted);
    const __m128i first = _mm256_castsi256_si128(first_floats(wanted));
    return _mm256_cvtps_pd(_mm_maskload_ps((const float *)row->values + feature, first));
}

/// Sixteen features of 64 rows, of which `wanted` are there.
static void load_floats(const serin_slice_work *work, size_t first_row, size_t feature, size_t wanted) {
    for (size_t part = 0; part < SERIN_SLICE_FEATURES && part < wanted; part += 8)
        for (size_t group = 0; group < SERIN_SLICE_ROWS; group += 8) {
            const size_t own = wanted - part < 8 ? wanted - part : 8;
            __m256 r[8];
#pragma clang loop unroll(full)
            for (size_t i = 0; i < 8; i++)
                r[i] = row_floats(serin_slice_row(work, first_row + group + i), feature + part, own);
            transpose_floats(r);
#pragma clang loop unroll(full)
            for (size_t i = 0; i < 8; i++)
                _mm256_store_ps(work->floats + SERIN_SLICE_ROWS * (part + i) + group, r[i]);
        }
}

static void load_doubles(const serin_slice_work *work, size_t first_row, size_t feature, size_t wanted) {
    for (size_t part = 0; part < SERIN_SLICE_FEATURES && part < wanted; part += 4)
        for (size_t group = 0; group < SERIN_SLICE_ROWS; group += 4) {
            const size_t own = wanted - part < 4 ? wanted - part : 4;
            __m256d r[4];
#pragma clang loop unroll(full)
            for (size_t i = 0; i < 4; i++)
                r[i] = row_doubles(serin_slice_row(work, first_row + group + i), feature + part, own);
            transpose_doubles(r);
#pragma clang loop unroll(full)
            for (size_t i = 0; i < 4; i++)
                _mm256_store_pd(work->doubles + SERIN_SLICE_ROWS * (part + i) + group, r[i]);
        }
}

// ---- searching

/// The keys at `place` (2^level … 2^(level + 1) - 1); `first` is the first answer, in the sign bits.
SERIN_INLINE __m256 key_at(const float *keys, const __m256 *table, unsigned level, __m256i place, __m256 first) {
    if (level < 3) return _mm256_permutevar8x32_ps(table[0], place);
    if (level == 3) return _mm256_permutevar8x32_ps(table[1], place);
    if (level > 4) return _mm256_i32gather_ps(keys, place, 4);
    __m256 a = _mm256_permutevar8x32_ps(table[2], place), b = _mm256_permutevar8x32_ps(table[3], place);
    return _mm256_blendv_ps(a, b, first);
}

/// Where eight values end up below the tree; `next` becomes the first key that each did not pass.
SERIN_INLINE __m256i descend(
    const float *keys, const __m256 *table, unsigned levels, __m256 value, __m256 *next) {
    __m256i place = _mm256_set1_epi32(1);
    __m256 first = _mm256_setzero_ps();
#pragma clang loop unroll(full)
    for (unsigned level = 0; level < levels; level++) {
        __m256 key = key_at(keys, table, level, place, first);
        __m256 step = _mm256_cmp_ps(value, key, _CMP_NLE_UQ);
        if (level == 0) first = step;
        if (next) *next = _mm256_blendv_ps(key, *next, step);
        place = _mm256_sub_epi32(_mm256_add_epi32(place, place), _mm256_castps_si256(step));
    }
    return place;
}

/// Four 64-bit masks as 32-bit ones.
SERIN_INLINE __m128i narrow(__m256d masks) {
    __m128 low = _mm_castpd_ps(_mm256_castpd256_pd128(masks)), high = _mm_castpd_ps(_mm256_extractf128_pd(masks, 1));
    return _mm_castps_si128(_mm_shuffle_ps(low, high, 0x88));
}

/// The largest floats that are not above the doubles: those nearest, one step down where they are above.
SERIN_INLINE __m128 round_down(__m256d value) {
    __m128 near = _mm256_cvtpd_ps(value);
    __m128i above = narrow(_mm256_cmp_pd(_mm256_cvtps_pd(near), value, _CMP_GT_OQ));
    __m128i bits = _mm_castps_si128(near), negative = _mm_srai_epi32(bits, 31);
    __m128i down = _mm_sub_epi32(_mm_set1_epi32(-1), _mm_add_epi32(negative, negative));
    return _mm_castsi128_ps(_mm_add_epi32(bits, _mm_and_si128(down, above)));
}

/// Which of four values are missing; those that count as 0 become it.
SERIN_INLINE unsigned missing_doubles(const serin_slice_column *column, __m256d *value) {
    const __m256d magnitude = _mm256_andnot_pd(_mm256_set1_pd(-0.0), *value);
    __m256d missing = _mm256_cmp_pd(magnitude, _mm256_set1_pd(column->missing_band), _CMP_NGT_UQ);
    if (!column->missing_is_zero) return (unsigned)_mm256_movemask_pd(missing);
    *value = _mm256_andnot_pd(missing, *value);
    return 0;
}

SERIN_INLINE unsigned missing_floats(const serin_slice_column *column, __m256 *value) {
    if (column->missing_band < 0) {
        __m256 missing = _mm256_cmp_ps(*value, *value, _CMP_UNORD_Q);
        if (!column->missing_is_zero) return (unsigned)_mm256_movemask_ps(missing);
        *value = _mm256_andnot_ps(missing, *value);
        return 0;
    }
    __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(*value));
    __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(*value, 1));
    return missing_doubles(column, &low) | missing_doubles(column, &high) << 4;
}

/// Where a rounded value equals a rounded limit, the doubles decide: rare, so one by one.
static __m256i exact_places(
    const serin_forest *forest, const serin_slice_column *column, const double *values, __m256i place,
    unsigned ties) {
    uint32_t places[8];
    _mm256_storeu_si256((__m256i *)places, place);
    const uint32_t base = 1u << column->levels;
    for (; ties; ties &= ties - 1) {
        int i = __builtin_ctz(ties);
        places[i] = base + serin_slice_exact_rank(forest, column, values[i], places[i] - base);
    }
    return _mm256_loadu_si256((const __m256i *)places);
}

/// Eight values, from the doubles if there are any.
SERIN_INLINE __m256i search_group(
    const serin_slice_work *work, const serin_slice_column *column, size_t offset, const __m256 *table,
    unsigned levels, int is_exact, unsigned *missing) {
    const float *keys = work->forest->slices.keys + column->keys;
    if (!is_exact) {
        __m256 value = _mm256_load_ps(work->floats + offset);
        *missing = missing_floats(column, &value);
        return descend(keys, table, levels, value, NULL);
    }
    __m256d low = _mm256_load_pd(work->doubles + offset), high = _mm256_load_pd(work->doubles + offset + 4);
    *missing = missing_doubles(column, &low) | missing_doubles(column, &high) << 4;
    __m256 value = _mm256_set_m128(round_down(high), round_down(low));
    __m256 next = _mm256_set1_ps(__builtin_inff());
    __m256i place = descend(keys, table, levels, value, &next);
    unsigned ties = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(value, next, _CMP_EQ_OQ));
    if (__builtin_expect(ties == 0, 1)) return place;
    double values[8];
    _mm256_storeu_pd(values, low);
    _mm256_storeu_pd(values + 4, high);
    return exact_places(work->forest, column, values, place, ties);
}

/// The low bytes of 32 places, one a row, to halves of eight planes that lie 64 bits apart.
SERIN_INLINE void store_planes(const __m256i *places, uint32_t *planes) {
    const __m256i byte = _mm256_set1_epi32(0xff);
    __m256i low = _mm256_packus_epi32(_mm256_and_si256(places[0], byte), _mm256_and_si256(places[1], byte));
    __m256i high = _mm256_packus_epi32(_mm256_and_si256(places[2], byte), _mm256_and_si256(places[3], byte));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
#pragma clang loop unroll(full)
    for (int plane = SERIN_SLICE_LEVELS_MAX - 1; plane >= 0; plane--) {
        planes[2 * plane] = (uint32_t)_mm256_movemask_epi8(bytes);
        bytes = _mm256_add_epi8(bytes, bytes);
    }
}

/// One column of 64 rows.
SERIN_INLINE void search(const serin_slice_work *work, uint32_t c, size_t word, unsigned levels, int is_exact) {
    const serin_slice_column *column = work->forest->slices.columns + c;
    const float *keys = work->forest->slices.keys + column->keys;
    const size_t offset = SERIN_SLICE_ROWS * (size_t)(column->feature % SERIN_SLICE_FEATURES);
    const size_t at = (size_t)c * work->words + word;
    __m256 table[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) table[i] = _mm256_load_ps(keys + 8 * i);
    uint64_t all_missing = 0;
#pragma clang loop unroll(disable)
    for (size_t half = 0; half < 2; half++) {
        __m256i places[4];
#pragma clang loop unroll(full)
        for (size_t group = 0; group < 4; group++) {
            unsigned missing;
            const size_t row = 32 * half + 8 * group;
            places[group] = search_group(work, column, offset + row, table, levels, is_exact, &missing);
            all_missing |= (uint64_t)missing << row;
        }
        store_planes(places, (uint32_t *)(work->planes + at * SERIN_SLICE_LEVELS_MAX) + half);
    }
    work->missing[at] = all_missing;
}

/// The masks of a category column for the 64 rows of a word: bit q of a row's answers is question q.
static void answer_categories(const serin_slice_work *work, const serin_slice_categories *own, size_t word) {
    const serin_category_column *column = work->forest->category_columns + own->column;
    const uint16_t *rows[SERIN_SLICE_ROWS];
    _Alignas(32) uint8_t answers[2][SERIN_SLICE_ROWS];
    serin_slice_category_rows(work, column, word, rows);
    uint64_t *masks = work->masks + own->first_mask * work->words + word;
    for (uint32_t w = 0; w < column->word_count; w++) {
        for (size_t i = 0; i < SERIN_SLICE_ROWS; i++) {
            answers[0][i] = (uint8_t)rows[i][w];
            answers[1][i] = (uint8_t)(rows[i][w] >> 8);
        }
        for (int byte = 0; byte < 2; byte++, masks += 8 * work->words) {
            __m256i low = _mm256_load_si256((const __m256i *)answers[byte]);
            __m256i high = _mm256_load_si256((const __m256i *)answers[byte] + 1);
            for (size_t bit = 8; bit-- > 0; low = _mm256_add_epi8(low, low), high = _mm256_add_epi8(high, high))
                masks[bit * work->words] = (uint32_t)_mm256_movemask_epi8(low) |
                                           (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
        }
    }
}
