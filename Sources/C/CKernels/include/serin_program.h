// The compiled pipeline: its image in memory, and the kernels that run its stages over rows.
//
//     rows ─load─► value 0 ─stage─► value 1 ─stage─► … ─► margins, scores ─finish─► the rows' own
//
// A stage works on a chunk of rows at once, so choosing its code costs once a chunk, not once a row.
// Values live in scratch memory, each a dense matrix [row][column] of one width:
//
//     scratch:  | value 0: capacity × columns | value 1 … | (the place of a dead value is used again)
//
// The image is one block of memory without pointers, written by Execution's compiler and checked by
// its loader before a kernel ever sees it:
//
//     header | values | parameters and forests' images of each stage … | stages | names
//
// Sections start at multiples of 64 bytes.  Numbers are little-endian, as the machine's.
#pragma once

#include "serin_counters.h"
#include "serin_kernels.h"

#define SERIN_PROGRAM_MAGIC 0x314752504e495253ull // "SRINPRG1"
#define SERIN_PROGRAM_VERSION 1
/// The capacity of scratch is a multiple of it, so that every value begins on a cache line.
#define SERIN_PROGRAM_ROWS 16
#define SERIN_STAGE_PARAMETERS 4

/// What each does: `Operation` in ModelFormat.  All but the marked ones read one value of their own
/// width; the compiler puts a gather before them where a pipeline says otherwise.
enum {
    /// Marked: copies values of any width one behind the other.  p0: their indices (uint32).
    SERIN_STAGE_GATHER = 0,
    /// p0: columns (uint32).
    SERIN_STAGE_SELECT,
    /// p0: values; scalars[0]: the marker.
    SERIN_STAGE_IMPUTE,
    /// p0: offsets; p1: scales.
    SERIN_STAGE_SCALE,
    /// p0: operands; detail: SERIN_ARITHMETIC_….
    SERIN_STAGE_ARITHMETIC,
    /// detail: SERIN_ARITHMETIC_….
    SERIN_STAGE_COMBINE,
    /// p0: categories, ascending in each column; p1: the output column of each (uint32); p2: where
    /// each column's begin, and the end (uint32).
    SERIN_STAGE_ONE_HOT,
    /// p0: keys, ascending in each column; p1: their values; p2: where each column's begin, and the
    /// end (uint32); p3: value of anything else and value of missing, in turn.
    SERIN_STAGE_LOOKUP,
    /// p0: low; p1: high.
    SERIN_STAGE_CLIP,
    /// scalars[0]: the offset.
    SERIN_STAGE_LOG,
    /// p0: edges, ascending in each column; p1: where each column's begin, and the end (uint32).
    SERIN_STAGE_BUCKET,
    /// p0: thresholds.
    SERIN_STAGE_BINARIZE,
    /// detail: SERIN_NORM_….
    SERIN_STAGE_NORMALIZE,
    /// p0: packed weights; p1: bias, padded to whole panels; detail: SERIN_ACTIVATION_….
    SERIN_STAGE_DENSE,
    /// detail: SERIN_TRANSFORM_…; scalars[0]: the sigmoid's scale.
    SERIN_STAGE_TRANSFORM,
    /// detail: SERIN_ACTIVATION_….
    SERIN_STAGE_ACTIVATION,
    /// scalars: slope, intercept.
    SERIN_STAGE_PLATT,
    /// p0: x; p1: y.
    SERIN_STAGE_ISOTONIC,
    SERIN_STAGE_COMPLEMENT,
    /// detail: SERIN_RELATION_….
    SERIN_STAGE_COMPARE,
    SERIN_STAGE_CHOOSE,
    /// Groups of input columns / output columns each; detail: SERIN_REDUCTION_….
    SERIN_STAGE_REDUCE,
    /// Marked: reads either width.  p0: the forest's image (bytes); detail: which forest it is.
    SERIN_STAGE_FOREST,
    /// Marked: reads either width, writes float32.  p0: a block of serin_counters (bytes).
    SERIN_STAGE_COUNTERS,
    SERIN_STAGE_COUNT
};

enum {
    SERIN_ARITHMETIC_ADD = 0,
    SERIN_ARITHMETIC_SUBTRACT,
    SERIN_ARITHMETIC_MULTIPLY,
    SERIN_ARITHMETIC_DIVIDE,
    SERIN_ARITHMETIC_MAXIMUM,
    SERIN_ARITHMETIC_MINIMUM,
    SERIN_ARITHMETIC_POWER,
    SERIN_ARITHMETIC_COUNT
};

enum {
    SERIN_RELATION_LESS = 0,
    SERIN_RELATION_LESS_OR_EQUAL,
    SERIN_RELATION_GREATER,
    SERIN_RELATION_GREATER_OR_EQUAL,
    SERIN_RELATION_EQUAL,
    SERIN_RELATION_COUNT
};

enum {
    SERIN_REDUCTION_SUM = 0,
    SERIN_REDUCTION_MEAN,
    SERIN_REDUCTION_PRODUCT,
    SERIN_REDUCTION_MAXIMUM,
    SERIN_REDUCTION_MINIMUM,
    SERIN_REDUCTION_INDEX_OF_MAXIMUM,
    SERIN_REDUCTION_INDEX_OF_MINIMUM,
    SERIN_REDUCTION_COUNT
};

enum { SERIN_NORM_MAXIMUM = 0, SERIN_NORM_L1, SERIN_NORM_L2, SERIN_NORM_LARGEST, SERIN_NORM_COUNT };

enum {
    SERIN_ACTIVATION_IDENTITY = 0,
    SERIN_ACTIVATION_RELU,
    SERIN_ACTIVATION_SIGMOID,
    SERIN_ACTIVATION_TANH,
    SERIN_ACTIVATION_SOFTMAX,
    SERIN_ACTIVATION_EXPONENTIAL,
    SERIN_ACTIVATION_LOGARITHM,
    SERIN_ACTIVATION_NEGATE,
    SERIN_ACTIVATION_ABSOLUTE,
    SERIN_ACTIVATION_RECIPROCAL,
    SERIN_ACTIVATION_SQUARE_ROOT,
    SERIN_ACTIVATION_TRUNCATE,
    SERIN_ACTIVATION_FLOOR,
    SERIN_ACTIVATION_COUNT
};

/// A matrix [row][columns] in scratch.
typedef struct {
    uint32_t columns;
    /// SERIN_FLOAT32 or SERIN_FLOAT64.
    uint32_t width;
    /// It begins at scratch + place × capacity; a multiple of 4.
    uint64_t place;
} serin_value;

typedef struct {
    uint32_t kind;
    /// Of the parameters and of the output.
    uint32_t width;
    uint32_t input;
    uint32_t output;
    uint32_t detail;
    /// UTF-8 in the header's `names`, for people.
    uint32_t name_start;
    uint32_t name_bytes;
    uint32_t reserved;
    double scalars[2];
    serin_section parameters[SERIN_STAGE_PARAMETERS];
} serin_stage;

typedef struct {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t image_bytes;
    /// serin_checksum of everything behind this field.
    uint64_t checksum;

    /// Scratch of one row: the values' places end here.
    uint64_t row_bytes;
    /// Values that leave the program.
    uint32_t margins;
    uint32_t scores;
    uint32_t forest_count;
    uint32_t reserved;
    /// `Pipeline.worstCaseOperationsPerRow`.
    uint64_t worst_case_operations;

    serin_section values;
    serin_section stages;
    serin_section names;
} serin_program_header;

/// cblas_sgemm and cblas_dgemm of a library that was found at run time.
typedef void (*serin_sgemm)(
    int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
    const float *b, int ldb, float beta, float *c, int ldc);
typedef void (*serin_dgemm)(
    int order, int transpose_a, int transpose_b, int m, int n, int k, double alpha, const double *a, int lda,
    const double *b, int ldb, double beta, double *c, int ldc);

/// A checked stage with its parameters as pointers.
typedef struct serin_stage_view {
    uint32_t kind;
    uint32_t width;
    uint32_t detail;
    uint32_t input_count;
    const serin_value *input;
    const serin_value *output;
    double scalars[2];
    const void *parameters[SERIN_STAGE_PARAMETERS];
    /// Elements of p0.
    size_t parameter_count;
    const serin_forest *forest;
    /// Rows of the forest that are scored in one go.
    size_t forest_rows;
    /// A dense stage's weights as the library wants them, [inputs][outputs]; null: own kernels only.
    const void *blas_weights;
    /// The library takes over from this many rows on.
    size_t blas_rows;
} serin_stage_view;

struct serin_program;

typedef struct serin_stage_kernels {
    const char *name;
    /// y = stage(x) for `rows` rows; not for gathers, forests and counters.
    void (*run)(const serin_stage_view *stage, const void *x, void *y, size_t rows);
    /// `rows` rows of a program that is linear: what serin_run_linear does.
    int (*run_linear)(const struct serin_program *program, const void *x, size_t rows, void *margins, void *scores);
} serin_stage_kernels;

/// The kernels that run on every machine, and those for AVX2 and AVX-512; null: not on this machine.
const serin_stage_kernels *serin_stage_kernels_scalar(void);
const serin_stage_kernels *serin_stage_kernels_avx2(void);
const serin_stage_kernels *serin_stage_kernels_avx512(void);
const serin_stage_kernels *serin_stage_kernels_best(void);

typedef struct serin_program {
    const serin_value *values;
    const serin_stage_view *stages;
    size_t stage_count;
    const serin_value *margins;
    const serin_value *scores;
    const serin_stage_kernels *kernels;
    uint64_t row_bytes;
    serin_sgemm sgemm;
    serin_dgemm dgemm;
    /// What serin_program_is_linear says.
    int is_linear;
} serin_program;

/// Whether the program is one layer of one output, its margin, and at most one element-wise stage of the
/// same width behind it, its score: then serin_run_linear may have its rows.
int serin_program_is_linear(const serin_program *program);

/// Scores `count` rows of a linear program, in the width that its layer has; the same bits as serin_run.
///
/// - values: [count][columns].  margins, scores: [count]; margins may be null.
/// - Result: whether all of them are finite.
int serin_run_linear(
    const serin_program *program, const void *values, size_t count, void *margins, void *scores);

/// Scores `count` rows.
///
/// - capacity: at least `count`, a multiple of SERIN_PROGRAM_ROWS.
/// - scratch: 64-byte aligned, capacity × row_bytes.
/// - forest_scratch: 64-byte aligned; for the rows of a forest stage and what `serin_score` needs.
void serin_run(
    const serin_program *program, serin_row *rows, size_t count, void *scratch, size_t capacity,
    void *forest_scratch);

/// A dense stage by the library's matrix product.
void serin_dense_blas(
    const serin_program *program, const serin_stage_view *stage, const void *x, void *y, size_t rows);

/// The vectors of one width that make a panel of a dense layer's packed weights.
#define SERIN_PANEL_BYTES 256
/// A layer with fewer outputs keeps its weights in rows and is computed by dot products.
#define SERIN_DENSE_NARROW 8
/// Rows of a narrow layer's weights are padded with zeros to a multiple of it.
#define SERIN_DOT_BYTES 128

/// Elements of the packed weights and of the padded bias.
size_t serin_dense_weight_count(uint32_t width, size_t inputs, size_t outputs);
size_t serin_dense_bias_count(uint32_t width, size_t outputs);
/// Packs row-major [outputs][inputs] weights; `packed` is zeroed.
void serin_dense_pack(uint32_t width, size_t inputs, size_t outputs, const void *weights, void *packed);
/// The opposite, to [inputs][outputs].
void serin_dense_unpack(uint32_t width, size_t inputs, size_t outputs, const void *packed, void *weights);
