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

#include "serin_bytes.h"
#include "serin_image.h"

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
    /// Nil: there is none.
    const void *margin_bias;
    const uint32_t *linear_of;
    const serin_linear_leaf *linear_leaves;
    const serin_linear_term *linear_terms;
    const uint16_t *tree_outputs;
    const uint32_t *byte_columns;
    /// Four arrays, each `byte_slot_count` long: a slot's column, that column's feature (if there are
    /// at most 64 features), the byte of a missing value, and 255 where zeros count as missing.
    const uint8_t *byte_slots;
    const float *byte_floats;
    const double *byte_doubles;
    const serin_word_column *word_columns;
    const uint16_t *word_slots;
    const float *word_floats;
    const double *word_doubles;
    const serin_vector_segment *vector_segments;
    const uint8_t *vector_blocks;
    const void *vector_leaves;
    const serin_link *vector_links;
    const uint8_t *vector_paths;
    const uint64_t *decision_rows;

    /// A row's answers, its *state*: slot bytes or words, decision words, 16-bit ranks, and for linear
    /// leaves the row itself in doubles.  serin_lay_out sets these.
    uint32_t row_bytes;
    uint32_t decisions_at;
    uint32_t ranks_at;
    uint32_t values_at;
    /// Sums of a row.
    uint32_t sum_bytes;
    /// 1: some vector segment leaves its trees to the scalar walk.
    uint32_t has_scalar_segments;
    const struct serin_kernels *kernels;
} serin_forest;

/// One row to score.
typedef struct serin_row {
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

/// Instruction sets, from the one that is everywhere to the fastest.
enum { SERIN_LEVEL_SCALAR = 0, SERIN_LEVEL_AVX2 = 1, SERIN_LEVEL_AVX512 = 2 };

/// What a processor's kernels are: the seam between the scalar code and the SIMD kernels.  Every
/// set gives the same bits.
typedef struct serin_kernels {
    const char *name;
    uint32_t level;
    /// Slot bytes of one row; see serin_bytes.h.
    void (*bytes)(const serin_forest *forest, const serin_row *row, uint8_t *bytes);
    /// The state of one row: as much of it as `walk` reads.  64-byte aligned.
    void (*rank)(const serin_forest *forest, const serin_row *row, uint8_t *state);
    /// Adds every tree's leaf to the sums of `rows` rows; states lie `row_bytes` apart, sums `sum_bytes`.
    void (*walk)(const serin_forest *forest, const uint8_t *states, size_t rows, void *sums);
} serin_kernels;

/// The highest level that this processor has and the environment allows: SERIN_KERNELS=scalar, avx2
/// or avx512, read once.
uint32_t serin_level(void);
/// The kernels of the highest level that is at most `limit` and at most serin_level().
const serin_kernels *serin_kernels_at(uint32_t limit);
/// Names the processor's instruction sets, for cache keys: `x86-64-avx512vbmi`.
const char *serin_processor_kind(void);

/// Fills in where a row's state has its parts and which kernels score it: those of level `limit` or
/// below that the processor has and the forest's layout fits.
void serin_lay_out(serin_forest *forest, uint32_t limit);

/// Scores up to SERIN_ROWS_MAX rows.  `scratch` (64-byte aligned) has room for the ranks and sums
/// of `count` rows: serin_scratch_bytes.
void serin_score(const serin_forest *forest, serin_row *rows, size_t count, void *scratch);
/// Bytes of scratch for one more row: state and sums.
size_t serin_scratch_bytes(const serin_forest *forest);

/// Margins to scores of one row; 1 where one of either is NaN or infinite.
uint32_t serin_finish(const serin_forest *forest, const void *sums, void *margins, void *scores);

/// 64 bits over `count` bytes, to find damage, not malice.
uint64_t serin_checksum(const void *bytes, size_t count);
