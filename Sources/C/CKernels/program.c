// A program's run: rows in, stage after stage over the whole chunk, scores out.
#include "program.h"

#include <string.h>

static inline uint8_t *place_of(const serin_value *value, void *scratch, size_t capacity) {
    return (uint8_t *)scratch + value->place * capacity;
}

/// `count` numbers, converted where the widths differ.
SERIN_INLINE void convert(const void *from, uint32_t from_width, void *to, uint32_t to_width, size_t count) {
    if (from_width == to_width) {
        memcpy(to, from, count * number_bytes(to_width));
    } else if (to_width == SERIN_FLOAT32) {
        const double *x = from;
        float *y = to;
        for (size_t i = 0; i < count; i++) y[i] = (float)x[i];
    } else {
        const float *x = from;
        double *y = to;
        for (size_t i = 0; i < count; i++) y[i] = (double)x[i];
    }
}

static void load(const serin_program *program, const serin_row *rows, size_t count, void *scratch, size_t capacity) {
    const serin_value *value = program->values;
    const size_t stride = value->columns * number_bytes(value->width);
    uint8_t *to = place_of(value, scratch, capacity);
    for (size_t row = 0; row < count; row++)
        convert(rows[row].values, rows[row].value_width, to + row * stride, value->width, value->columns);
}

static void gather(
    const serin_program *program, const serin_stage_view *stage, size_t count, void *scratch, size_t capacity) {
    const uint32_t *inputs = stage->parameters[0];
    const size_t number = number_bytes(stage->width);
    const size_t stride = stage->output->columns * number;
    uint8_t *to = place_of(stage->output, scratch, capacity);
    for (size_t i = 0; i < stage->parameter_count; i++) {
        const serin_value *value = program->values + inputs[i];
        const size_t from_stride = value->columns * number_bytes(value->width);
        const uint8_t *from = place_of(value, scratch, capacity);
        for (size_t row = 0; row < count; row++)
            convert(from + row * from_stride, value->width, to + row * stride, stage->width, value->columns);
        to += value->columns * number;
    }
}

/// The forest's own kernels, over rows that stand in scratch.
static void score(
    const serin_stage_view *stage, const uint8_t *x, uint8_t *y, size_t count, size_t capacity, void *forest_scratch) {
    const size_t most = stage->forest_rows < capacity ? stage->forest_rows : capacity;
    serin_row *rows = forest_scratch;
    void *working = (uint8_t *)forest_scratch + ((most * sizeof(serin_row) + 63) & ~(size_t)63);
    const size_t x_stride = stage->input->columns * number_bytes(stage->input->width);
    const size_t y_stride = stage->output->columns * number_bytes(stage->width);
    for (size_t first = 0; first < count; first += most) {
        const size_t some = count - first < most ? count - first : most;
        for (size_t row = 0; row < some; row++)
            rows[row] = (serin_row){
                .values = x + (first + row) * x_stride,
                .scores = y + (first + row) * y_stride,
                .value_width = stage->input->width,
            };
        serin_score(stage->forest, rows, some, working);
    }
}

static void run_stage(
    const serin_program *program, const serin_stage_view *stage, size_t count, void *scratch, size_t capacity,
    void *forest_scratch) {
    const uint8_t *x = place_of(stage->input, scratch, capacity);
    uint8_t *y = place_of(stage->output, scratch, capacity);
    if (stage->kind == SERIN_STAGE_GATHER)
        gather(program, stage, count, scratch, capacity);
    else if (stage->kind == SERIN_STAGE_FOREST)
        score(stage, x, y, count, capacity, forest_scratch);
    else if (stage->kind == SERIN_STAGE_COUNTERS)
        serin_count(
            stage->parameters[0], x, stage->input->width, stage->input->columns, (float *)y, stage->output->columns,
            count);
    else if (stage->blas_weights && count >= stage->blas_rows)
        serin_dense_blas(program, stage, x, y, count);
    else
        program->kernels->run(stage, x, y, count);
}

/// A NaN stays one, an infinity minus itself becomes one, anything else 0.
static int is_finite(const void *numbers, uint32_t width, size_t count) {
    int finite = 1;
    if (width == SERIN_FLOAT32) {
        const float *x = numbers;
        for (size_t i = 0; i < count; i++) finite &= x[i] - x[i] == 0;
    } else {
        const double *x = numbers;
        for (size_t i = 0; i < count; i++) finite &= x[i] - x[i] == 0;
    }
    return finite;
}

static void finish(const serin_program *program, serin_row *rows, size_t count, void *scratch, size_t capacity) {
    const serin_value *value = program->scores;
    const size_t stride = value->columns * number_bytes(value->width);
    const uint8_t *margins = place_of(program->margins, scratch, capacity);
    const uint8_t *scores = place_of(value, scratch, capacity);
    for (size_t row = 0; row < count; row++, margins += stride, scores += stride) {
        if (rows[row].margins) memcpy(rows[row].margins, margins, stride);
        memcpy(rows[row].scores, scores, stride);
        rows[row].non_finite =
            !(is_finite(margins, value->width, value->columns) & is_finite(scores, value->width, value->columns));
    }
}

void serin_run(
    const serin_program *program, serin_row *rows, size_t count, void *scratch, size_t capacity,
    void *forest_scratch) {
    load(program, rows, count, scratch, capacity);
    for (size_t i = 0; i < program->stage_count; i++)
        run_stage(program, program->stages + i, count, scratch, capacity, forest_scratch);
    finish(program, rows, count, scratch, capacity);
}

const serin_stage_kernels *serin_stage_kernels_best(void) {
    const serin_stage_kernels *kernels = serin_stage_kernels_avx512();
    if (!kernels) kernels = serin_stage_kernels_avx2();
    return kernels ? kernels : serin_stage_kernels_scalar();
}
