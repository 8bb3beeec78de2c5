// The image of a compiled forest: one block of memory without pointers, written by Execution's
// compiler and checked by its loader before a kernel ever sees it.
//
//     header | base margins | quads | keys | columns | category rows … | segments | trees | leaves
//            | byte columns | byte slots | byte tables
//
// Sections start at multiples of 64 bytes.  Numbers are little-endian, as the machine's.
//
// The image holds a forest's questions twice.  *Quads* give every row one uint16 a slot, whatever
// the forest; the scalar walk reads those on every machine.  *Byte slots* (serin_bytes.h) are what
// the SIMD kernels read, where the forest's questions fit.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SERIN_IMAGE_MAGIC 0x31474d494e495253ull // "SRINIMG1"
#define SERIN_IMAGE_VERSION 2
/// Trees that are walked side by side; groups are padded to it.
#define SERIN_GROUP 8
/// The deepest tree that is laid out as a complete one.
#define SERIN_HEAP_DEPTH_MAX 10
/// The deepest search: a slot has at most 65,535 thresholds.
#define SERIN_LEVELS_MAX 16
/// Rows that are scored in one go.
#define SERIN_ROWS_MAX 64

enum { SERIN_FLOAT32 = 0, SERIN_FLOAT64 = 1 };
enum { SERIN_SEGMENT_HEAP = 0, SERIN_SEGMENT_LINKED = 1, SERIN_SEGMENT_LINEAR = 2 };
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
/// Linked: groups[first_node + t / 8] has the roots.  Linear: linked, and its leaves may be functions.
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

/// A leaf that is a linear function of the row: constant + terms, in order; the leaf's own value where
/// one of their values is NaN.
typedef struct {
    double constant;
    uint32_t first_term;
    uint32_t term_count;
} serin_linear_leaf;

typedef struct {
    double coefficient;
    uint32_t feature;
    uint32_t reserved;
} serin_linear_term;

typedef struct {
    uint32_t roots[SERIN_GROUP];
    /// Of the deepest of them.
    uint32_t depth;
} serin_linked_group;

/// How a run of trees is laid out for the SIMD kernels; each has a file avx512_*.h with its idea.
enum {
    /// Not: by the scalar segments `first_block` ..< `first_block + block_count`.
    SERIN_SCHEME_SCALAR = 0,
    /// Complete trees of 3 to 6 levels.
    SERIN_SCHEME_COMPLETE = 1,
    /// Complete trees of 7 or 8 levels, the lower four in blocks of their own.
    SERIN_SCHEME_BLOCKS = 2,
    /// Trees of any shape with at most 31 (depth 32) or 63 (depth 64) splits.
    SERIN_SCHEME_DOUBLING = 3,
    /// Oblivious trees of 1 to 8 levels.
    SERIN_SCHEME_PLANES = 4,
    /// Trees of any shape in linked blocks of four levels (byte slots) or five (word slots); `depth`
    /// is the blocks on the longest path.
    SERIN_SCHEME_LINKED = 5
};

/// The children of a linked block: of its 16 or 32 places below the last level, bit i is set where
/// place i (above 0) begins another child than place i - 1.  Child k is block `base` + k; numbers from
/// the segment's `link_count` on are its leaves.
typedef struct {
    uint32_t base;
    uint32_t boundaries;
} serin_link;

/// A search of a word column: a tree of sixteen thresholds a node, its levels one behind the other.
typedef struct {
    uint32_t feature;
    uint32_t levels;
    /// Where each level begins in the tables.
    uint32_t level_at[4];
} serin_word_column;

/// A run of consecutive trees of one scheme.
typedef struct {
    uint32_t scheme;
    /// Levels; for doubling the lanes of a tree.
    uint32_t depth;
    uint32_t first_tree;
    uint32_t tree_count;
    /// In units of 64 bytes from the start of `vector_blocks`.
    uint32_t first_block;
    uint32_t block_count;
    /// Number in `vector_leaves`.
    uint32_t first_leaf;
    uint32_t leaf_count;
    /// First of its decision words; SERIN_NO_DECISIONS: no node of its trees asks for a category.
    uint32_t first_decision;
    /// Doublings that bring every root to its leaf.
    uint32_t doublings;
    /// Linked: the link of its first block, and how many blocks it has.
    uint32_t first_link;
    uint32_t link_count;
    /// Doubling: its trees' paths (32 lanes, avx2_paths.h) or pointers (64 lanes, avx2_pointers.h), in
    /// units of 64 bytes; 256 or 512 bytes a tree.
    uint32_t first_path;
    uint32_t reserved;
} serin_vector_segment;

#define SERIN_NO_DECISIONS 0xffffffffu
/// Trees of a vector segment are padded to a multiple of it.
#define SERIN_VECTOR_GROUP 16
/// Trees that are walked in one go.
#define SERIN_VECTOR_CHUNK 64

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
    /// 1: a threshold is passed by values at it (`value < threshold` goes left); 0: above it only.
    uint32_t byte_inclusive;
    /// Slots of a row: 64, 128 or 256; 0: the forest's questions do not fit bytes.
    uint32_t byte_slot_count;
    /// Word slots of a row: 32, 64 or 128; 0: there are byte slots, or the questions fit neither.
    uint32_t word_slot_count;
    /// Columns from the first on that are searched in two steps; a multiple of 8, as all columns are.
    uint32_t byte_two_level;
    /// 1: some slot counts values in the zero band as missing.
    uint32_t byte_has_band;
    /// Words of a row of category decisions, a multiple of 8.
    uint32_t decision_words;
    uint32_t reserved;
    double sigmoid_scale;
    /// margin = sum × scale, and + bias where there is one.
    double margin_scale;
    /// Values no further from 0 count as 0.
    double zero_band;

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
    /// One for each output, of the sums' width; empty: none is added.
    serin_section margin_bias;
    /// For each linked node 0 or the number of its linear leaf, from 1 on; empty: no tree is linear.
    serin_section linear_of;
    serin_section linear_leaves;
    serin_section linear_terms;
    /// The output of each tree; empty: there is one output.
    serin_section tree_outputs;
    /// The feature of each column, uint32.
    serin_section byte_columns;
    /// Four arrays (see serin_forest) of `byte_slot_count` bytes.
    serin_section byte_slots;
    /// SERIN_BYTE_TABLE floats a column, for float rows and for float32 forests.
    serin_section byte_floats;
    /// As many doubles, for double rows of a float64 forest; else empty.
    serin_section byte_doubles;
    serin_section word_columns;
    /// Three arrays of `word_slot_count` uint16: a slot's column, the word of a missing value, and
    /// 65,535 where zeros count as missing.
    serin_section word_slots;
    serin_section word_floats;
    serin_section word_doubles;
    /// The same trees once more, for the SIMD kernels; empty: the scalar walk has to do.
    serin_section vector_segments;
    /// 64 bytes each.
    serin_section vector_blocks;
    serin_section vector_leaves;
    serin_section vector_links;
    /// 64 bytes each.
    serin_section vector_paths;
    /// For each category column `row_count` rows of `decision_words` 64-bit words.
    serin_section decision_rows;
} serin_image_header;

