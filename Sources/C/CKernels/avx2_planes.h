// Oblivious trees with AVX2: avx512_planes.h, 32 trees a register.  500 trees of depth 6 take 700 ns a row
// where the scalar walk takes 2,040.
#pragma once

#include "avx2_walk.h"

#if defined(__x86_64__)

/// The decision bits of 32 trees as bytes: all bits where a bit is set.
AVX2_INLINE __m256i spread_bits(uint32_t bits) {
    const __m256i byte_of = _mm256_setr_epi64x(
        0x0000000000000000, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit_of = _mm256_set1_epi64x((int64_t)0x8040201008040201);
    __m256i own = _mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), byte_of);
    return _mm256_cmpeq_epi8(_mm256_and_si256(own, bit_of), bit_of);
}

AVX2_INLINE void walk_planes(const vector_walk *walk, const row_sums *sums, int registers, int has_categories) {
    const serin_vector_segment *segment = walk->segment;
    const uint32_t depth = segment->depth;
    uint8_t numbers[SERIN_VECTOR_CHUNK] __attribute__((aligned(64)));
    for (uint32_t first = 0; first < segment->tree_count; first += SERIN_VECTOR_CHUNK) {
        uint32_t left = segment->tree_count - first, count = left < SERIN_VECTOR_CHUNK ? left : SERIN_VECTOR_CHUNK;
        for (int half = 0; half < 2; half++) {
            __m256i number = _mm256_setzero_si256();
            for (uint32_t level = 0; level < depth; level++) {
                size_t place = (size_t)(first / SERIN_VECTOR_CHUNK) * depth + level;
                const uint8_t *block = walk->blocks + place * 128 + 32 * half;
                __m256i stay = not_above(
                    walk->slots, _mm256_load_si256((const __m256i *)block),
                    _mm256_load_si256((const __m256i *)(block + 64)), registers);
                if (has_categories)
                    stay = _mm256_andnot_si256(spread_bits((uint32_t)(walk->decisions[place] >> (32 * half))), stay);
                __m256i bit = _mm256_set1_epi8((char)(1u << (depth - 1 - level)));
                number = _mm256_or_si256(number, _mm256_andnot_si256(stay, bit));
            }
            _mm256_store_si256((__m256i *)(numbers + 32 * half), number);
        }
        leaf_places from = {walk->leaves, (size_t)first << depth, (size_t)1 << depth};
        add_bytes(sums, from, numbers, 1, first, count);
    }
}

#endif
