// What the schemes of every instruction set share: a segment's parts, and the end of a walk.
//
// A scheme takes up to 64 trees at a time through its phases: all masks, all walks, all leaves.  A
// mask that is stored and read back at once in another width makes the reader wait for the store
// to leave its queue; a phase later it has.  Leaves are added one by one in the trainer's order,
// which costs one add's latency a tree (80 ns for 100) and overlaps with the next chunk's masks.
#pragma once

#include "kernels.h"

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
SERIN_INLINE void add_words(
    const row_sums *sums, leaf_places from, const uint32_t *places, uint32_t first, uint32_t count) {
    if (sums->is_wide) ADD_LEAVES(double, places[tree]);
    else ADD_LEAVES(float, places[tree]);
}

/// The same for places of a byte, `step` bytes apart.
SERIN_INLINE void add_bytes(
    const row_sums *sums, leaf_places from, const uint8_t *places, size_t step, uint32_t first, uint32_t count) {
    if (sums->is_wide) ADD_LEAVES(double, places[tree * step]);
    else ADD_LEAVES(float, places[tree * step]);
}

/// What a scheme needs to know: the row's answers, one segment, and where its leaves go.
typedef struct {
    const struct slot_bytes *slots;
    const uint64_t *decisions;
    const serin_vector_segment *segment;
    const uint8_t *blocks;
    const void *leaves;
    const serin_link *links;
    const uint8_t *paths;
} vector_walk;

/// Decision words of a segment's register; the compiler drops it where there are no categories.
SERIN_INLINE uint64_t decision(const vector_walk *walk, size_t place, int has_categories) {
    return has_categories ? walk->decisions[place] : 0;
}
