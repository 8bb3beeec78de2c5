// One family of instruction sets: all stages for float and for double.
//
// Included by stages_scalar.c, stages_avx2.c and stages_avx512.c, which define the
// vectors of dense_number.h, FLOAT_SIGMOIDS and FLOAT_SIGMOID_STEP, and put the target attribute around everything here.
#include <math.h>
#include <string.h>

#define NUMBER float
#define NAME(x) x##_float
#define MATH(x) x##f
#define BITS uint32_t
#define SIGNED_BITS int32_t
#define SHIFT 23
#define LOG2E 1.44269504088896340736f
#define LN2_HIGH 0.693145751953125f
#define LN2_LOW 1.42860682030941723212e-6f
#define ROUNDER 12582912.0f
#define SERIES 7
#define EXP_LOW -104.0f
#define EXP_HIGH 89.0f
#define TANH_MAX 10.0f
#define OBJECTIVE_SIGMOID(x, scale) serin_sigmoid(x)
#define OBJECTIVE_SIGMOIDS(x, y, count, scale) FLOAT_SIGMOIDS(x, y, count)
#define SIGMOID_STEP FLOAT_SIGMOID_STEP
#include "activation_number.h"
#define VECTOR vector_float
#define LOAD_PART load_part_float
#include "dense_number.h"
#include "stages_number.h"
#include "linear_number.h"
#undef VECTOR
#undef LOAD_PART
#undef NUMBER
#undef NAME
#undef MATH
#undef BITS
#undef SIGNED_BITS
#undef SHIFT
#undef LOG2E
#undef LN2_HIGH
#undef LN2_LOW
#undef ROUNDER
#undef SERIES
#undef EXP_LOW
#undef EXP_HIGH
#undef TANH_MAX
#undef OBJECTIVE_SIGMOID
#undef OBJECTIVE_SIGMOIDS
#undef SIGMOID_STEP

#define NUMBER double
#define NAME(x) x##_double
#define MATH(x) x
#define BITS uint64_t
#define SIGNED_BITS int64_t
#define SHIFT 52
#define LOG2E 1.44269504088896340736
#define LN2_HIGH 0.693147180369123816490
#define LN2_LOW 1.90821492927058770002e-10
#define ROUNDER 6755399441055744.0
#define SERIES 13
#define EXP_LOW -746.0
#define EXP_HIGH 710.0
#define TANH_MAX 20.0
#define OBJECTIVE_SIGMOID(x, scale) (1.0 / (1.0 + exp(-(scale) * (x))))
#define OBJECTIVE_SIGMOIDS(x, y, count, scale)                                                                 \
    for (size_t i = 0; i < (count); i++) (y)[i] = OBJECTIVE_SIGMOID((x)[i], scale)
#define SIGMOID_STEP 1
#include "activation_number.h"
#define VECTOR vector_double
#define LOAD_PART load_part_double
#include "dense_number.h"
#include "stages_number.h"
#include "linear_number.h"
#undef VECTOR
#undef LOAD_PART
#undef NUMBER
#undef NAME
#undef MATH
#undef BITS
#undef SIGNED_BITS
#undef SHIFT
#undef LOG2E
#undef LN2_HIGH
#undef LN2_LOW
#undef ROUNDER
#undef SERIES
#undef EXP_LOW
#undef EXP_HIGH
#undef TANH_MAX
#undef OBJECTIVE_SIGMOID
#undef OBJECTIVE_SIGMOIDS
#undef SIGMOID_STEP

static void run(const serin_stage_view *stage, const void *x, void *y, size_t rows) {
    if (stage->width == SERIN_FLOAT32)
        run_float(stage, x, y, rows);
    else
        run_double(stage, x, y, rows);
}

static int run_linear(const serin_program *program, const void *x, size_t rows, void *margins, void *scores) {
    const serin_stage_view *layer = program->stages, *last = program->stage_count > 1 ? layer + 1 : NULL;
    if (layer->width == SERIN_FLOAT32)
        return rows == 1 ? linear_one_float(layer, last, x, margins, scores)
                         : linear_float(layer, last, x, margins, scores, rows);
    return rows == 1 ? linear_one_double(layer, last, x, margins, scores)
                     : linear_double(layer, last, x, margins, scores, rows);
}
