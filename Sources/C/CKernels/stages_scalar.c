// The stages for every machine: vectors are what the compiler makes of them, products are rounded.
#include "fold.h"
#include "nonzero.h"
#include "program.h"
#include "sigmoid.h"

// Vectors of 64 bytes are passed between inlined functions only, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float vector_float __attribute__((ext_vector_type(16)));
typedef double vector_double __attribute__((ext_vector_type(8)));

SERIN_DEFINE_FOLD_FLOAT(vector_float)
SERIN_DEFINE_FOLD_DOUBLE(vector_double)
SERIN_DEFINE_NONZERO(nonzero_float, float)
SERIN_DEFINE_NONZERO(nonzero_double, double)
SERIN_DEFINE_LIST(list_float, float)
SERIN_DEFINE_LIST(list_double, double)

SERIN_INLINE vector_float load_part_float(const float *x, size_t count) {
    vector_float vector = 0;
    for (size_t i = 0; i < count; i++) vector[i] = x[i];
    return vector;
}

SERIN_INLINE vector_double load_part_double(const double *x, size_t count) {
    vector_double vector = 0;
    for (size_t i = 0; i < count; i++) vector[i] = x[i];
    return vector;
}

#define FMA(A, B, C) ((A) * (B) + (C))
#define SPARSE_TOGETHER 1
#define FLOAT_SIGMOIDS serin_sigmoids
#define FLOAT_SIGMOID_STEP 1
#define DOT_TOGETHER 1
#define TILE_SUMS 2
#define GROUP 1
#define ROW_GROUP 2
#define STORE_PART(Y, SUMS, COUNT) \
    for (size_t lane = 0; lane < (COUNT); lane++) (Y)[lane] = (SUMS)[lane]
#include "stages_family.h"

const serin_stage_kernels *serin_stage_kernels_scalar(void) {
    static const serin_stage_kernels kernels = {.name = "scalar", .run = run, .run_linear = run_linear};
    return &kernels;
}

void serin_activate_float(uint32_t activation, float *y, size_t rows, size_t columns) {
    activate_float(activation, y, rows, columns);
}

void serin_activate_double(uint32_t activation, double *y, size_t rows, size_t columns) {
    activate_double(activation, y, rows, columns);
}
