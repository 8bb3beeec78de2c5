// What the AVX-512 schemes share: the row's slots in registers, decisions, and walks by their bits.
#pragma once

#include "avx512.h"
#include "vector.h"

#if defined(__x86_64__)

/// One to four registers of slot bytes.
typedef struct slot_bytes {
    __m512i part[4];
} slot_bytes;

AVX512_INLINE slot_bytes load_slots(const uint8_t *bytes, int registers) {
    slot_bytes slots;
    for (int part = 0; part < registers; part++) slots.part[part] = _mm512_load_si512(bytes + 64 * part);
    return slots;
}

/// The slots that 64 indices name.
AVX512_INLINE __m512i look_up(const slot_bytes *slots, __m512i index, int registers) {
    if (registers == 1) return _mm512_permutexvar_epi8(index, slots->part[0]);
    __m512i low = _mm512_permutex2var_epi8(slots->part[0], index, slots->part[1]);
    if (registers == 2) return low;
    __m512i high = _mm512_permutex2var_epi8(slots->part[2], index, slots->part[3]);
    return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(index), high);
}

/// 64 decisions: where the slot's byte is above the rank.  A block is 64 slots, then 64 ranks.
AVX512_INLINE uint64_t decide(const slot_bytes *slots, const uint8_t *block, int registers) {
    __m512i own = look_up(slots, _mm512_load_si512(block), registers);
    return _cvtmask64_u64(_mm512_cmpgt_epu8_mask(own, _mm512_load_si512(block + 64)));
}

/// Decides four blocks of 32 bytes: 16 bits each.
AVX512_INLINE uint64_t decide_blocks(
    const slot_bytes *slots, const uint8_t *lower, const uint32_t *blocks, int registers) {
#define BLOCK(N) _mm256_load_si256((const __m256i *)(lower + 32 * (size_t)blocks[N]))
    __m512i first = _mm512_inserti64x4(_mm512_castsi256_si512(BLOCK(0)), BLOCK(1), 1);
    __m512i second = _mm512_inserti64x4(_mm512_castsi256_si512(BLOCK(2)), BLOCK(3), 1);
#undef BLOCK
    // Each half is slots, ranks, slots, ranks.
    __m512i own = look_up(slots, _mm512_shuffle_i64x2(first, second, 0x88), registers);
    return _cvtmask64_u64(_mm512_cmpgt_epu8_mask(own, _mm512_shuffle_i64x2(first, second, 0xdd)));
}

/// Sixteen walks of `levels` levels by masks of up to 32 bits: place 1 is the root, bit p of a mask
/// says which child of place p is next, 2p or 2p + 1.
AVX512_INLINE __m512i walk16(__m512i masks, int levels) {
    const __m512i one = _mm512_set1_epi32(1);
    __m512i place = one;
#pragma clang loop unroll(full)
    for (int level = 0; level < levels; level++) {
        __m512i bit = _mm512_srlv_epi32(masks, place);
        // place + place has no lowest bit: or-ing (bit & 1) to it is one operation.
        place = _mm512_ternarylogic_epi32(_mm512_add_epi32(place, place), bit, one, 0xf8);
    }
    return place;
}

/// Eight walks by masks of 64 bits.
AVX512_INLINE __m512i walk8(__m512i masks, int levels) {
    const __m512i one = _mm512_set1_epi64(1);
    __m512i place = one;
#pragma clang loop unroll(full)
    for (int level = 0; level < levels; level++) {
        __m512i bit = _mm512_srlv_epi64(masks, place);
        place = _mm512_ternarylogic_epi64(_mm512_add_epi64(place, place), bit, one, 0xf8);
    }
    return place;
}

#endif
