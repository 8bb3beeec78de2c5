// A program's run: rows in, stage after stage over the whole chunk, scores out.
#include "program.h"

#include <string.h>

/// One chunk of rows on its way through the stages.
typedef struct {
    const serin_program *program;
    size_t count;
    /// Where value 0 stands: in scratch, or where the rows are, if they lie there as they are wanted.
    const uint8_t *input;
    uint8_t *scratch;
    size_t capacity;
    void *forest_scratch;
} chunk;

static inline uint8_t *place_of(const chunk *chunk, const serin_value *value) {
    return chunk->scratch + value->place * chunk->capacity;
}

static inline const uint8_t *read_value(const chunk *chunk, const serin_value *value) {
    return value == chunk->program->values ? chunk->input : place_of(chunk, value);
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

/// Whether the rows already are the matrix that value 0 wants to be.
static int is_in_place(const serin_row *rows, size_t count, uint32_t width, size_t stride) {
    int is = 1;
    for (size_t row = 0; row < count; row++)
        is &= rows[row].value_width == width
            && (const uint8_t *)rows[row].values == (const uint8_t *)rows[0].values + row * stride;
    return is;
}

static void load(chunk *chunk, const serin_row *rows) {
    const serin_value *value = chunk->program->values;
    const size_t stride = value->columns * number_bytes(value->width);
    if (is_in_place(rows, chunk->count, value->width, stride)) {
        chunk->input = rows[0].values;
        return;
    }
    uint8_t *to = place_of(chunk, value);
    chunk->input = to;
    for (size_t row = 0; row < chunk->count; row++)
        convert(rows[row].values, rows[row].value_width, to + row * stride, value->width, value->columns);
}

static void gather(const chunk *chunk, const serin_stage_view *stage) {
    const uint32_t *inputs = stage->parameters[0];
    const size_t number = number_bytes(stage->width);
    const size_t stride = stage->output->columns * number;
    uint8_t *to = place_of(chunk, stage->output);
    for (size_t i = 0; i < stage->parameter_count; i++) {
        const serin_value *value = chunk->program->values + inputs[i];
        const size_t from_stride = value->columns * number_bytes(value->width);
        const uint8_t *from = read_value(chunk, value);
        for (size_t row = 0; row < chunk->count; row++)
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

static void run_stage(const chunk *chunk, const serin_stage_view *stage) {
    const serin_program *program = chunk->program;
    const uint8_t *x = read_value(chunk, stage->input);
    uint8_t *y = place_of(chunk, stage->output);
    const size_t count = chunk->count;
    if (stage->kind == SERIN_STAGE_GATHER)
        gather(chunk, stage);
    else if (stage->kind == SERIN_STAGE_FOREST)
        score(stage, x, y, count, chunk->capacity, chunk->forest_scratch);
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

/// One row's numbers to where they are wanted; most have one column, and no call is made for it.
SERIN_INLINE void hand_out(void *to, const uint8_t *from, size_t bytes) {
    if (bytes == 4)
        memcpy(to, from, 4);
    else if (bytes == 8)
        memcpy(to, from, 8);
    else
        memcpy(to, from, bytes);
}

static void finish(const chunk *chunk, serin_row *rows) {
    const serin_value *value = chunk->program->scores;
    const uint32_t width = value->width, columns = value->columns;
    const size_t stride = columns * number_bytes(width);
    const uint8_t *margins = read_value(chunk, chunk->program->margins);
    const uint8_t *scores = read_value(chunk, value);
    // Over all rows first: nearly always there is nothing to find out about each.
    const size_t count = chunk->count * columns;
    const int all_finite = is_finite(margins, width, count) & is_finite(scores, width, count);
    for (size_t row = 0; row < chunk->count; row++, margins += stride, scores += stride) {
        if (rows[row].margins) hand_out(rows[row].margins, margins, stride);
        hand_out(rows[row].scores, scores, stride);
        rows[row].non_finite = all_finite ? 0 : !(is_finite(margins, width, columns) & is_finite(scores, width, columns));
    }
}

void serin_run(
    const serin_program *program, serin_row *rows, size_t count, void *scratch, size_t capacity,
    void *forest_scratch) {
    chunk chunk = {
        .program = program, .count = count, .scratch = scratch, .capacity = capacity, .forest_scratch = forest_scratch,
    };
    load(&chunk, rows);
    for (size_t i = 0; i < program->stage_count; i++) run_stage(&chunk, program->stages + i);
    finish(&chunk, rows);
}

int serin_program_is_linear(const serin_program *program) {
    if (program->stage_count < 1 || program->stage_count > 2) return 0;
    const serin_stage_view *layer = program->stages, *last = layer + program->stage_count - 1;
    if (layer->kind != SERIN_STAGE_DENSE || layer->output->columns != 1 || layer->input != program->values) return 0;
    if (program->margins != layer->output || program->scores != last->output) return 0;
    if (layer == last) return 1;
    return (last->kind == SERIN_STAGE_TRANSFORM || last->kind == SERIN_STAGE_ACTIVATION)
        && last->input == layer->output && last->output->columns == 1 && last->width == layer->width;
}

int serin_run_linear(
    const serin_program *program, const void *values, size_t count, void *margins, void *scores) {
    return program->kernels->run_linear(program, values, count, margins, scores);
}

const serin_stage_kernels *serin_stage_kernels_best(void) {
    // The level also says what the environment allows; AVX-512 without VBMI counts as AVX2 there.
    const uint32_t level = serin_level();
    const serin_stage_kernels *kernels = NULL;
    if (level >= SERIN_LEVEL_AVX512) kernels = serin_stage_kernels_avx512();
    if (!kernels && level >= SERIN_LEVEL_AVX2) kernels = serin_stage_kernels_avx2();
    return kernels ? kernels : serin_stage_kernels_scalar();
}
