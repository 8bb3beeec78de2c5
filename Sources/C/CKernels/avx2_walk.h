// What the AVX2 schemes share: look-ups in tables of sixteen bytes, decisions, and walks by their bits.
//
// AVX2 permutes bytes within sixteen only, so 64 slots are four tables: each is looked up with the low
// four bits of the index, and blends by the other bits choose.  Nine operations for 32 nodes where
// AVX-512 has one for 64; the schemes and their layouts are the same (avx512_*.h tells their ideas).
#pragma once

#include "avx2.h"
#include "vector.h"

#if defined(__x86_64__)

/// Slot bytes by sixteen, each twice.
typedef struct slot_bytes {
    __m256i table[8];
} slot_bytes;

AVX2_INLINE slot_bytes load_slots(const uint8_t *bytes, int registers) {
    slot_bytes slots;
    for (int table = 0; table < 4 * registers; table++)
        slots.table[table] = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(bytes + 16 * table)));
    return slots;
}

/// 32 of 64 bytes.
AVX2_INLINE __m256i look_up_64(const __m256i table[4], __m256i index) {
    // Blends look at the highest bit of a byte: bits 4 and 5 are shifted there.
    __m256i fourth = _mm256_slli_epi16(index, 3), fifth = _mm256_slli_epi16(index, 2);
    index = _mm256_and_si256(index, _mm256_set1_epi8(15));
    __m256i low = _mm256_blendv_epi8(
        _mm256_shuffle_epi8(table[0], index), _mm256_shuffle_epi8(table[1], index), fourth);
    __m256i high = _mm256_blendv_epi8(
        _mm256_shuffle_epi8(table[2], index), _mm256_shuffle_epi8(table[3], index), fourth);
    return _mm256_blendv_epi8(low, high, fifth);
}

AVX2_INLINE __m256i look_up(const slot_bytes *slots, __m256i index, int registers) {
    __m256i low = look_up_64(slots->table, index);
    if (registers == 1) return low;
    return _mm256_blendv_epi8(low, look_up_64(slots->table + 4, index), _mm256_slli_epi16(index, 1));
}

/// All bits of the bytes where the slot is not above the rank.
AVX2_INLINE __m256i not_above(const slot_bytes *slots, __m256i index, __m256i ranks, int registers) {
    return _mm256_cmpeq_epi8(
        _mm256_subs_epu8(look_up(slots, index, registers), ranks), _mm256_setzero_si256());
}

/// 32 decisions of a block's first or (32 bytes on) second half.
AVX2_INLINE uint32_t decide_half(const slot_bytes *slots, const uint8_t *block, int registers) {
    __m256i stay = not_above(
        slots, _mm256_load_si256((const __m256i *)block), _mm256_load_si256((const __m256i *)(block + 64)), registers);
    return (uint32_t)~_mm256_movemask_epi8(stay);
}

/// 64 decisions of a block.
AVX2_INLINE uint64_t decide(const slot_bytes *slots, const uint8_t *block, int registers) {
    return decide_half(slots, block, registers) | (uint64_t)decide_half(slots, block + 32, registers) << 32;
}

/// 32 decisions: of two blocks of 16 slots and 16 ranks.
AVX2_INLINE uint32_t decide_blocks(
    const slot_bytes *slots, const uint8_t *lower, const uint32_t *blocks, int registers) {
    __m256i first = _mm256_load_si256((const __m256i *)(lower + 32 * (size_t)blocks[0]));
    __m256i second = _mm256_load_si256((const __m256i *)(lower + 32 * (size_t)blocks[1]));
    __m256i stay = not_above(
        slots, _mm256_permute2x128_si256(first, second, 0x20), _mm256_permute2x128_si256(first, second, 0x31),
        registers);
    return (uint32_t)~_mm256_movemask_epi8(stay);
}

/// Eight walks by masks of up to 32 bits; see walk16 of avx512_walk.h.
AVX2_INLINE __m256i walk8(__m256i masks, int levels) {
    const __m256i one = _mm256_set1_epi32(1);
    __m256i place = one;
#pragma clang loop unroll(full)
    for (int level = 0; level < levels; level++) {
        __m256i bit = _mm256_and_si256(_mm256_srlv_epi32(masks, place), one);
        place = _mm256_add_epi32(_mm256_add_epi32(place, place), bit);
    }
    return place;
}

/// Four walks by masks of 64 bits.
AVX2_INLINE __m256i walk4(__m256i masks, int levels) {
    const __m256i one = _mm256_set1_epi64x(1);
    __m256i place = one;
#pragma clang loop unroll(full)
    for (int level = 0; level < levels; level++) {
        __m256i bit = _mm256_and_si256(_mm256_srlv_epi64(masks, place), one);
        place = _mm256_add_epi64(_mm256_add_epi64(place, place), bit);
    }
    return place;
}

/// Eight walks of three to six levels by the masks of trees that follow each other.
AVX2_INLINE __m256i walk_masks(const uint8_t *masks, int levels) {
    if (levels == 6) {
        // The low halves of eight 64-bit lanes, in order.
        __m256i low = walk4(_mm256_load_si256((const __m256i *)masks), 6);
        __m256i high = walk4(_mm256_load_si256((const __m256i *)(masks + 32)), 6);
        __m256i mixed = _mm256_castps_si256(
            _mm256_shuffle_ps(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high), 0x88));
        return _mm256_permute4x64_epi64(mixed, 0xd8);
    }
    if (levels == 5) return walk8(_mm256_load_si256((const __m256i *)masks), 5);
    if (levels == 4) return walk8(_mm256_cvtepu16_epi32(_mm_load_si128((const __m128i *)masks)), 4);
    return walk8(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)masks)), 3);
}

/// Stores what eight trees from tree `first` on have found: tree << levels, and the place from 0 on.
AVX2_INLINE void store_numbers(uint32_t *numbers, __m256i place, size_t first, int levels) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i base = _mm256_slli_epi32(_mm256_add_epi32(_mm256_set1_epi32((int)first - 1), lanes), levels);
    _mm256_store_si256((__m256i *)numbers, _mm256_add_epi32(base, place));
}

#endif
