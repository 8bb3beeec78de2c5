// Bit slices: how a forest lies in its image for batches, where one instruction works on 512 rows.
//
//     rows ─search─► planes of ranks ─spread─► one mask a question ─trees─► planes of leaf indices
//          ─turn─► leaf indices, a byte a row ─look up─► leaves, added in the trainer's order
//
// A *mask* is the answer of many rows to one question, a bit a row: right, or not.  A question that
// many trees ask is answered once.  A tree then is plain logic on masks, without a branch, and what it
// gives are the *planes* of the leaf's index: one plane holds one bit of the index of every row.
//
// A *column* is a feature with up to 255 thresholds and what counts as missing in it.  One search gives
// its rank, the thresholds passed, also as planes.  A *slot* is a column with one way of missing values
// and the ranks that its nodes ask for: mask i of a slot says where the rank is above ranks[i].
//
// Trees come in three kinds:
//
//     complete    2^bits nodes, 1 … 2^bits - 1 in heap order, one mask each; the planes are
//                 multiplexers over them
//     oblivious   `bits` masks, the planes themselves, highest first
//     linked      any shape with up to 256 leaves: every split parts the rows that reach it
//
// A leaf table holds the bytes of its numbers apart: 64, 128 or 256 lowest bytes, then as many of the
// next, …: a register of indices looks up 64 bytes at a time.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Steps of the longest search; 2^8 - 1 thresholds.
#define SERIN_SLICE_LEVELS_MAX 8
/// Bits of the largest leaf index.
#define SERIN_SLICE_BITS_MAX 8
/// Masks have 16 bits to be named with.
#define SERIN_SLICE_MASKS_MAX 65535
/// Trees whose indices are held before their leaves are looked up.
#define SERIN_SLICE_TREES 8

enum { SERIN_SLICE_MISSING_NONE = 0, SERIN_SLICE_MISSING_LEFT = 1, SERIN_SLICE_MISSING_RIGHT = 2 };
enum { SERIN_SLICE_COMPLETE = 0, SERIN_SLICE_OBLIVIOUS = 1, SERIN_SLICE_LINKED = 2 };

/// One search.  Columns ascend by feature.
typedef struct {
    uint32_t feature;
    /// Its keys are a complete search tree of so many levels, 1 to 8.
    uint32_t levels;
    /// First of at least 32 and at least 2^levels floats, at a multiple of 16; the one at 0 is unused.
    /// A value passes a key that it is not below or equal to: NaN is passed by all, infinity by none.
    uint32_t keys;
    /// float64 forests: first of its thresholds, sorted; the keys are those rounded down.
    uint32_t limits;
    uint32_t limit_count;
    /// 1: missing values count as 0.
    uint32_t missing_is_zero;
    /// A value is missing where its magnitude is not above it: -1 for NaN only.
    double missing_band;
} serin_slice_column;

/// Some questions about a column; or, behind those, about a category column.
typedef struct {
    uint32_t column;
    uint32_t missing;
    uint32_t first_mask;
    uint32_t mask_count;
    /// First of as many ranks.
    uint32_t first_rank;
} serin_slice_slot;

/// The questions of a category column: masks from `first_mask` on, 16 a word of its rows.
typedef struct {
    uint32_t column;
    uint32_t first_mask;
} serin_slice_categories;

/// A run of consecutive trees of one kind.
typedef struct {
    uint32_t kind;
    /// Bits of the leaf index, 1 to 8.
    uint32_t bits;
    uint32_t first_tree;
    uint32_t tree_count;
    /// Complete and oblivious: first of the nodes.  Linked: first of the starts.
    uint32_t first_node;
    /// First byte of the leaves, a multiple of 64.
    uint32_t first_leaf;
} serin_slice_segment;

struct serin_slice_work;

/// The slices' sections as pointers.
typedef struct {
    const serin_slice_column *columns;
    const serin_slice_slot *slots;
    const serin_slice_categories *categories;
    const uint8_t *ranks;
    const float *keys;
    const double *limits;
    const serin_slice_segment *segments;
    /// Masks; of a linked tree, from its start on: the count of its splits; the mask and the source of
    /// each; then the source of each of 2^bits leaves.  Source 0 is nobody, 1 all rows, 2j + 2 and
    /// 2j + 3 are the left and right side of split j, which follows its source.
    const uint16_t *nodes;
    const uint32_t *starts;
    const uint8_t *leaves;
    uint32_t column_count;
    uint32_t slot_count;
    uint32_t category_count;
    uint32_t segment_count;
    /// With mask 0, which is zero.
    uint32_t mask_count;
    /// Splits of the largest linked tree.
    uint32_t split_count;
} serin_slices;
