// The compiled forest: its image in memory, and the kernels that score rows with it.
//
//     row ──rank──► one uint16 a slot ──walk──► leaves, added in the trainer's order ──finish──► scores
//
// A node asks whether a value lies behind a threshold.  Every question about one feature has the
// same few thresholds, so the row is turned once into *ranks* (how many thresholds it has passed)
// and a node compares two small integers.  A *slot* is one such rank: a feature together with the
// way its missing values go, or a category set (rank 0 or 1).  With missing values, categories and
// float or double all settled in the ranks, the walk is `right = rank[slot] > node.rank` and has
// no branch.
//
// The image is one block of memory without pointers, written by Execution's compiler and checked
// by its loader before a kernel ever sees it:
//
//     header | base margins | quads | keys | columns | category rows … | segments | trees | leaves
//
// Sections start at multiples of 64 bytes.  Numbers are little-endian, as the machine's.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SERIN_IMAGE_MAGIC 0x31474d494e495253ull // "SRINIMG1"
#define SERIN_IMAGE_VERSION 1
/// Trees that are walked side by side; groups are padded to it.
#define SERIN_GROUP 8
/// The deepest tree that is laid out as a complete one.
#define SERIN_HEAP_DEPTH_MAX 10
/// The deepest search: a slot has at most 65,535 thresholds.
#define SERIN_LEVELS_MAX 16
/// Rows that are scored in one go.
#define SERIN_ROWS_MAX 64

enum { SERIN_FLOAT32 = 0, SERIN_FLOAT64 = 1 };
enum { SERIN_SEGMENT_HEAP = 0, SERIN_SEGMENT_LINKED = 1 };
enum { SERIN_CATEGORY_NOT_NEGATIVE = 0, SERIN_CATEGORY_ABOVE_MINUS_ONE = 1 };
enum {
    SERIN_TRANSFORM_IDENTITY = 0,
    SERIN_TRANSFORM_SIGMOID = 1,
    SERIN_TRANSFORM_SOFTMAX = 2,
    SERIN_TRANSFORM_EXPONENTIAL = 3,
    SERIN_TRANSFORM_STEP = 4,
    SERIN_TRANSFORM_SIGNED_SQUARE = 5,
    SERIN_TRANSFORM_SOFTPLUS = 6,
    SERIN_TRANSFORM_FAST_SOFTMAX = 7,
    SERIN_TRANSFORM_FAST_EXPONENTIAL = 8,
    SERIN_TRANSFORM_COUNT = 9
};

/// Where a section lies: bytes from the image's start, and how many elements it has.
typedef struct {
    uint64_t offset;
    uint64_t count;
} serin_section;

/// One threshold search.  Values become *keys*, integers in the order of the numbers, so that a
/// step of the search is a compare and an add with carry.
typedef struct {
    uint32_t feature;
    /// First key of its table, which has 2^levels keys (the one at 0 is not used).
    uint32_t table;
    /// The key of a missing value: 0 goes left everywhere, all ones right, 0.0's counts as zero.
    uint64_t missing_key;
    /// A value is missing where its magnitude is not above it: -1 for NaN only, LightGBM's zero
    /// threshold for zeros too.
    double missing_band;
} serin_slot;

/// Four searches of the same length, run side by side; slot 4q + i is lane i of quad q.
typedef struct {
    uint32_t levels;
    uint32_t reserved;
    serin_slot slots[4];
} serin_quad;

/// A feature's category sets: a value picks a row of bits, one bit a set.  Row 0 is for missing
/// values, row 1 for codes that are in no set.
typedef struct {
    uint32_t feature;
    /// Codes below it (at least 1) have their row in `category_row_of`, from `row_of` on.
    uint32_t code_count;
    uint32_t row_of;
    uint32_t row_count;
    /// First word of row 0; a row has `word_count` words of 16 bits.
    uint32_t rows;
    uint32_t word_count;
    uint32_t first_slot;
    uint32_t reserved;
} serin_category_column;

/// A run of consecutive trees of one layout.
///
/// Heap: complete trees of `depth` levels; tree t's node h (root 1, children 2h and 2h + 1) is
/// heap_nodes[first_node + (t << depth) + h], its leaf l heap_leaves[first_node + (t << depth) + l].
/// Linked: groups[first_node + t / 8] has the roots.
typedef struct {
    uint32_t kind;
    uint32_t depth;
    uint32_t first_tree;
    uint32_t tree_count;
    uint32_t first_node;
    /// Groups that fit the first-level cache together.
    uint32_t groups_per_block;
} serin_segment;

/// Low half the slot, high half the rank: right where the slot's rank is above it.
typedef uint32_t serin_heap_node;

/// The right child stands behind the left one.  A leaf points to itself and has rank 65,535,
/// which nothing exceeds, so that walking on stays there.
typedef struct {
    uint16_t slot;
    uint16_t rank;
    uint32_t left;
} serin_linked_node;

typedef struct {
    uint32_t roots[SERIN_GROUP];
    /// Of the deepest of them.
    uint32_t depth;
} serin_linked_group;

typedef struct {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t image_bytes;
    /// serin_checksum of everything behind this field.
    uint64_t checksum;

    uint32_t feature_count;
    uint32_t output_count;
    uint32_t tree_count;
    /// Ranks of one row, a multiple of 8.
    uint32_t slot_count;
    uint32_t max_depth;
    uint32_t worst_case_nodes;
    /// Width of the keys: what values are rounded to.
    uint32_t value_width;
    /// Width of leaves, sums, margins and scores.
    uint32_t sum_width;
    uint32_t transform;
    uint32_t average_divisor;
    uint32_t category_rule;
    uint32_t reserved;
    double sigmoid_scale;

    serin_section base_margins;
    serin_section quads;
    serin_section keys;
    serin_section category_columns;
    serin_section category_row_of;
    serin_section category_rows;
    serin_section segments;
    serin_section heap_nodes;
    serin_section heap_leaves;
    serin_section linked_groups;
    serin_section linked_nodes;
    /// As many as linked nodes; a split's is 0.
    serin_section linked_leaves;
    /// The output of each tree; empty: there is one output.
    serin_section tree_outputs;
} serin_image_header;

/// The checked image's sections as pointers, and the kernels for this machine.
typedef struct serin_forest {
    const serin_image_header *header;
    const void *base_margins;
    const serin_quad *quads;
    const void *keys;
    const serin_category_column *category_columns;
    const uint32_t *category_row_of;
    const uint16_t *category_rows;
    const serin_segment *segments;
    const serin_heap_node *heap_nodes;
    const void *heap_leaves;
    const serin_linked_group *linked_groups;
    const serin_linked_node *linked_nodes;
    const void *linked_leaves;
    const uint16_t *tree_outputs;
    const struct serin_kernels *kernels;
} serin_forest;

/// One row to score.
typedef struct {
    const void *values;
    /// Nil: not wanted.
    void *margins;
    void *scores;
    /// Width of the values: SERIN_FLOAT32 or SERIN_FLOAT64.
    uint32_t value_width;
    /// Written: 1 where a margin or score is NaN or infinite.
    uint32_t non_finite;
    /// The caller's own; no kernel looks at it.
    uint64_t owner;
} serin_row;

/// What a processor's kernels are: the seam between the scalar code and the SIMD kernels.  Every
/// set gives the same bits.
typedef struct serin_kernels {
    const char *name;
    /// Ranks of one row, `slot_count` of them.
    void (*rank)(const serin_forest *forest, const serin_row *row, uint16_t *ranks);
    /// Adds every tree's leaf to the sums of `rows` rows; ranks lie `slot_count` apart, sums
    /// `output_count`.
    void (*walk)(const serin_forest *forest, const uint16_t *ranks, size_t rows, void *sums);
} serin_kernels;

/// The kernels that run on every machine.
const serin_kernels *serin_kernels_scalar(void);
/// The fastest kernels that this processor can run.
const serin_kernels *serin_kernels_best(void);
/// Names the processor's instruction sets, for cache keys: `x86-64-avx512vbmi`.
const char *serin_processor_kind(void);

/// Scores up to SERIN_ROWS_MAX rows.  `scratch` (64-byte aligned) has room for the ranks and sums
/// of `count` rows: serin_scratch_bytes.
void serin_score(const serin_forest *forest, serin_row *rows, size_t count, void *scratch);
/// Bytes of scratch for one more row: ranks and sums.
size_t serin_scratch_bytes(uint32_t slot_count, uint32_t output_count);

/// Margins to scores of one row; 1 where one of either is NaN or infinite.
uint32_t serin_finish(const serin_forest *forest, const void *sums, void *margins, void *scores);

/// 64 bits over `count` bytes, to find damage, not malice.
uint64_t serin_checksum(const void *bytes, size_t count);
