// From planes of indices to sums with AVX-512: indices a byte a row, and 64 leaves looked up at once.
//
// Eight planes of 512 rows are 8 × 64 bytes; interleaving them byte by byte brings the eight bytes of the
// same eight rows together, and one GFNI multiplication turns each such 8 × 8 square of bits: 32
// instructions for 512 indices.  A leaf then is 4 or 8 byte look-ups (vpermb, vpermi2b), interleaved to
// numbers: 16 instructions for 64 floats of 64 leaves, where vpermi2ps needs 16 too and gathers 90
// cycles, and no more than 20 for 256.
#pragma once

#include "bitslice_search_avx512.h"

/// Planes, highest first, to an index a row; register i has rows 128 l + 16 i … + 15 in its lane l.
SERIN_INLINE void turn_512(const words8 *planes, unsigned bits, uint8_t *indices) {
    __m512i p[8], a[8], b[8];
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < 8; i++) p[i] = i < 8 - bits ? _mm512_setzero_si512() : (__m512i)planes[i + bits - 8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        a[i] = _mm512_unpacklo_epi8(p[2 * i], p[2 * i + 1]);
        a[4 + i] = _mm512_unpackhi_epi8(p[2 * i], p[2 * i + 1]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 4)
        for (int pair = 0; pair < 2; pair++) {
            b[i + pair] = _mm512_unpacklo_epi16(a[i + 2 * pair], a[i + 2 * pair + 1]);
            b[i + 2 + pair] = _mm512_unpackhi_epi16(a[i + 2 * pair], a[i + 2 * pair + 1]);
        }
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 2) {
        __m512i low = _mm512_unpacklo_epi32(b[i], b[i + 1]), high = _mm512_unpackhi_epi32(b[i], b[i + 1]);
        _mm512_store_si512(indices + 64 * i, transpose_bits(low));
        _mm512_store_si512(indices + 64 * i + 64, transpose_bits(high));
    }
}

/// The same for 64 rows, in their order.
SERIN_INLINE void turn_64(const uint64_t *planes, unsigned bits, uint8_t *indices) {
    long long p[8];
#pragma clang loop unroll(full)
    for (unsigned i = 0; i < 8; i++) p[i] = i < 8 - bits ? 0 : (long long)planes[i + bits - 8];
    const __m512i all = _mm512_setr_epi64(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]);
    const __m512i by_rows = _mm512_set_epi64(
        0x3f372f271f170f07, 0x3e362e261e160e06, 0x3d352d251d150d05, 0x3c342c241c140c04, 0x3b332b231b130b03,
        0x3a322a221a120a02, 0x3931292119110901, 0x3830282018100800);
    _mm512_store_si512(indices, transpose_bits(_mm512_permutexvar_epi8(by_rows, all)));
}

/// One byte of each of 64 leaves, from a table of 2^`bits` bytes; `high`: where the index is 128 or more.
SERIN_INLINE __m512i look_up(__m512i index, const uint8_t *table, __mmask64 high, unsigned bits) {
    if (bits <= 6) return _mm512_permutexvar_epi8(index, _mm512_load_si512(table));
    __m512i low = _mm512_permutex2var_epi8(_mm512_load_si512(table), index, _mm512_load_si512(table + 64));
    if (bits == 7) return low;
    __m512i upper = _mm512_permutex2var_epi8(_mm512_load_si512(table + 128), index, _mm512_load_si512(table + 192));
    return _mm512_mask_blend_epi8(high, low, upper);
}

/// Bytes of four numbers each to numbers: found[v] has those of bytes 4 v … 4 v + 3 of each lane.
SERIN_INLINE void join_floats(const __m512i *bytes, __m512i *found) {
    __m512i low[2], high[2];
#pragma clang loop unroll(full)
    for (int pair = 0; pair < 2; pair++) {
        low[pair] = _mm512_unpacklo_epi8(bytes[2 * pair], bytes[2 * pair + 1]);
        high[pair] = _mm512_unpackhi_epi8(bytes[2 * pair], bytes[2 * pair + 1]);
    }
    found[0] = _mm512_unpacklo_epi16(low[0], low[1]);
    found[1] = _mm512_unpackhi_epi16(low[0], low[1]);
    found[2] = _mm512_unpacklo_epi16(high[0], high[1]);
    found[3] = _mm512_unpackhi_epi16(high[0], high[1]);
}

/// 64 leaves as registers of numbers of `size` bytes: number e of lane l of register v is that of index
/// 16 l + v × 16 / size + e.
SERIN_INLINE void find(__m512i index, const uint8_t *leaves, unsigned bits, unsigned size, __m512i *found) {
    const size_t entries = (size_t)1 << bits;
    const __mmask64 high = bits == 8 ? _mm512_movepi8_mask(index) : 0;
    __m512i bytes[8], halves[8];
#pragma clang loop unroll(full)
    for (unsigned byte = 0; byte < size; byte++) bytes[byte] = look_up(index, leaves + byte * entries, high, bits);
    if (size == 4) {
        join_floats(bytes, found);
        return;
    }
    join_floats(bytes, halves);
    join_floats(bytes + 4, halves + 4);
#pragma clang loop unroll(full)
    for (int quarter = 0; quarter < 4; quarter++) {
        found[2 * quarter] = _mm512_unpacklo_epi32(halves[quarter], halves[4 + quarter]);
        found[2 * quarter + 1] = _mm512_unpackhi_epi32(halves[quarter], halves[4 + quarter]);
    }
}

SERIN_INLINE __m512i add(__m512i sum, __m512i leaf, unsigned size) {
    if (size == 4) return _mm512_castps_si512(_mm512_add_ps(_mm512_castsi512_ps(sum), _mm512_castsi512_ps(leaf)));
    return _mm512_castpd_si512(_mm512_add_pd(_mm512_castsi512_pd(sum), _mm512_castsi512_pd(leaf)));
}

/// Adds the leaves of trees that have one output, in order.
SERIN_INLINE void add_trees(
    const serin_slice_work *work, uint8_t *sums, const uint8_t *indices, const uint8_t *leaves, uint32_t count,
    unsigned bits, unsigned size) {
    for (size_t word = 0; word < work->words; word++) {
        uint8_t *own = sums + word * SERIN_SLICE_ROWS * size;
        __m512i sum[8], found[8];
#pragma clang loop unroll(full)
        for (unsigned v = 0; v < size; v++) sum[v] = _mm512_load_si512(own + 64 * v);
        for (uint32_t tree = 0; tree < count; tree++) {
            __m512i index = _mm512_load_si512(indices + (tree * work->words + word) * SERIN_SLICE_ROWS);
            find(index, leaves + ((size_t)tree << bits) * size, bits, size, found);
#pragma clang loop unroll(full)
            for (unsigned v = 0; v < size; v++) sum[v] = add(sum[v], found[v], size);
        }
#pragma clang loop unroll(full)
        for (unsigned v = 0; v < size; v++) _mm512_store_si512(own + 64 * v, sum[v]);
    }
}

/// Adds the leaves of the trees `first` ..< `first + count` of a segment, whose tables are `leaves`.
static void add_leaves(
    const serin_slice_work *work, const serin_slice_segment *segment, uint32_t first, uint32_t count,
    const uint8_t *leaves) {
    const unsigned size = work->forest->header->sum_width == SERIN_FLOAT32 ? 4 : 8;
    const unsigned bits = segment->bits <= 6 ? 6 : segment->bits;
    const uint16_t *outputs = work->forest->tree_outputs;
    if (outputs) outputs += segment->first_tree + first;
    const uint32_t step = outputs ? 1 : count;
    for (uint32_t tree = 0; tree < count; tree += step) {
        const uint8_t *indices = work->indices + tree * work->words * SERIN_SLICE_ROWS;
        const uint8_t *own = leaves + ((size_t)tree << bits) * size;
        uint8_t *sums = work->sums + (outputs ? outputs[tree] : 0) * work->words * SERIN_SLICE_ROWS * size;
        switch (bits * 16 + size) {
        case 6 * 16 + 4: add_trees(work, sums, indices, own, step, 6, 4); break;
        case 7 * 16 + 4: add_trees(work, sums, indices, own, step, 7, 4); break;
        case 8 * 16 + 4: add_trees(work, sums, indices, own, step, 8, 4); break;
        case 6 * 16 + 8: add_trees(work, sums, indices, own, step, 6, 8); break;
        case 7 * 16 + 8: add_trees(work, sums, indices, own, step, 7, 8); break;
        case 8 * 16 + 8: add_trees(work, sums, indices, own, step, 8, 8); break;
        }
    }
}
