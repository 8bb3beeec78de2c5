// Dense layers' weights: packed for the kernels, unpacked for the library.
#include "program.h"

#include <string.h>

static size_t rounded_up(size_t count, size_t step) { return (count + step - 1) / step * step; }

/// Numbers in a vector of 64 bytes.
static size_t lane_count(uint32_t width) { return 64 / number_bytes(width); }

static size_t padded_inputs(uint32_t width, size_t inputs) {
    return rounded_up(inputs, SERIN_DOT_BYTES / number_bytes(width));
}

size_t serin_dense_weight_count(uint32_t width, size_t inputs, size_t outputs) {
    if (outputs < SERIN_DENSE_NARROW) return padded_inputs(width, inputs) * outputs;
    return rounded_up(outputs, lane_count(width)) * inputs;
}

size_t serin_dense_bias_count(uint32_t width, size_t outputs) {
    return outputs < SERIN_DENSE_NARROW ? outputs : rounded_up(outputs, lane_count(width));
}

/// Where the weight of an output for an input stands.
static size_t weight_place(uint32_t width, size_t inputs, size_t outputs, size_t output, size_t input) {
    if (outputs < SERIN_DENSE_NARROW) return output * padded_inputs(width, inputs) + input;
    const size_t panel = SERIN_PANEL_BYTES / number_bytes(width);
    const size_t first = output / panel * panel;
    const size_t left = outputs - first < panel ? rounded_up(outputs - first, lane_count(width)) : panel;
    return first * inputs + input * left + (output - first);
}

void serin_dense_pack(uint32_t width, size_t inputs, size_t outputs, const void *weights, void *packed) {
    const size_t number = number_bytes(width);
    for (size_t output = 0; output < outputs; output++)
        for (size_t input = 0; input < inputs; input++)
            memcpy(
                (uint8_t *)packed + weight_place(width, inputs, outputs, output, input) * number,
                (const uint8_t *)weights + (output * inputs + input) * number, number);
}

void serin_dense_unpack(uint32_t width, size_t inputs, size_t outputs, const void *packed, void *weights) {
    const size_t number = number_bytes(width);
    for (size_t output = 0; output < outputs; output++)
        for (size_t input = 0; input < inputs; input++)
            memcpy(
                (uint8_t *)weights + (input * outputs + output) * number,
                (const uint8_t *)packed + weight_place(width, inputs, outputs, output, input) * number, number);
}

enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111 };

/// The bias stands in y before the product is added to it.
void serin_dense_blas(
    const serin_program *program, const serin_stage_view *stage, const void *x, void *y, size_t rows) {
    const size_t inputs = stage->input->columns, outputs = stage->output->columns;
    const size_t row_bytes = outputs * number_bytes(stage->width);
    for (size_t row = 0; row < rows; row++) memcpy((uint8_t *)y + row * row_bytes, stage->parameters[1], row_bytes);
    const int m = (int)rows, n = (int)outputs, k = (int)inputs;
    if (stage->width == SERIN_FLOAT32) {
        program->sgemm(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, m, n, k, 1, x, k, stage->blas_weights, n, 1, y, n);
        serin_activate_float(stage->detail, y, rows, outputs);
    } else {
        program->dgemm(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, m, n, k, 1, x, k, stage->blas_weights, n, 1, y, n);
        serin_activate_double(stage->detail, y, rows, outputs);
    }
}
