// What the AVX-512 schemes share: the row's slots in registers, and the end of a walk.
//
// A scheme takes up to 64 trees at a time through its phases: all masks, all walks, all leaves.  A
// mask that is stored and read back at once in another width makes the reader wait for the store
// to leave its queue; a phase later it has.  Leaves are added one by one in the trainer's order,
// which costs one add's latency a tree (80 ns for 100) and overlaps with the next chunk's masks.
#pragma once

#include "avx512.h"

#if defined(__x86_64__)

/// One to four registers of slot bytes.
typedef struct {
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

/// Where the leaves of a chunk are: number `base + tree * stride + places[tree * step]`.
typedef struct {
    const void *leaves;
    size_t base;
    size_t stride;
} leaf_places;

#define ADD_LEAVES(NUMBER, PLACE)                                                                     \
    do {                                                                                              \
        const NUMBER *own = (const NUMBER *)from.leaves + from.base;                                  \
        if (sums->outputs) {                                                                          \
            for (uint32_t tree = 0; tree < count; tree++)                                             \
                ((NUMBER *)sums->sums)[sums->outputs[first + tree]] += own[tree * from.stride + PLACE]; \
        } else {                                                                                      \
            NUMBER sum = *(NUMBER *)sums->sums;                                                       \
            for (uint32_t tree = 0; tree < count; tree++) sum += own[tree * from.stride + PLACE];     \
            *(NUMBER *)sums->sums = sum;                                                              \
        }                                                                                             \
    } while (0)

/// A row's sums, and the output of each tree of the segment (nil: there is one).
typedef struct {
    void *sums;
    const uint16_t *outputs;
    int is_wide;
} row_sums;

/// Adds the leaves of trees `first` ..< `first + count` in order; places are 32 bits each.
AVX512_INLINE void add_words(
    const row_sums *sums, leaf_places from, const uint32_t *places, uint32_t first, uint32_t count) {
    if (sums->is_wide) ADD_LEAVES(double, places[tree]);
    else ADD_LEAVES(float, places[tree]);
}

/// The same for places of a byte, `step` bytes apart.
AVX512_INLINE void add_bytes(
    const row_sums *sums, leaf_places from, const uint8_t *places, size_t step, uint32_t first, uint32_t count) {
    if (sums->is_wide) ADD_LEAVES(double, places[tree * step]);
    else ADD_LEAVES(float, places[tree * step]);
}

/// What a scheme needs to know: the row's answers, one segment, and where its leaves go.
typedef struct {
    const slot_bytes *slots;
    const uint64_t *decisions;
    const serin_vector_segment *segment;
    const uint8_t *blocks;
    const void *leaves;
    const serin_link *links;
} vector_walk;

/// Decision words of a segment's register; the compiler drops it where there are no categories.
AVX512_INLINE uint64_t decision(const vector_walk *walk, size_t place, int has_categories) {
    return has_categories ? walk->decisions[place] : 0;
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
