// Layers of weights the ordinary way: the loop that everybody writes, and OpenBLAS.
//
//     layers.f32: per layer weights [inputs][outputs], then biases;  relu between layers, a sigmoid at the end
//
// The loop is plain C at -O2 for any x86-64.  OpenBLAS gets a matrix-vector product for one row and a matrix product
// for more, and loops for biases and relu, which it has no call for.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

enum { layers_max = 8, row_major = 101, no_transpose = 111, transpose = 112 };

typedef struct {
    size_t inputs, outputs;
    const float *weights, *bias;
} layer;

typedef struct {
    layer layers[layers_max];
    size_t count;
    float *numbers, *hidden[2];
    void (*gemv)(int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
    void (*gemm)(
        int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
} network;

static void activate(const layer *one, float *values, size_t rows, bool is_last) {
    for (size_t row = 0; row < rows; row++, values += one->outputs)
        for (size_t index = 0; index < one->outputs; index++) {
            float sum = values[index] + one->bias[index];
            values[index] = is_last ? 1.0f / (1.0f + expf(-sum)) : sum > 0 ? sum : 0;
        }
}

static float dot(const float *left, const float *right, size_t count) {
    float sum = 0;
    for (size_t index = 0; index < count; index++) sum += left[index] * right[index];
    return sum;
}

static void product_by_loop(const layer *one, const float *in, float *restrict out) {
    if (one->outputs == 1) {
        out[0] = dot(in, one->weights, one->inputs);
        return;
    }
    memset(out, 0, one->outputs * sizeof(float));
    for (size_t input = 0; input < one->inputs; input++)
        for (size_t output = 0; output < one->outputs; output++)
            out[output] += in[input] * one->weights[input * one->outputs + output];
}

static void product_by_blas(const network *model, const layer *one, const float *in, float *out, size_t rows) {
    int inputs = (int)one->inputs, outputs = (int)one->outputs;
    if (rows == 1)
        model->gemv(row_major, transpose, inputs, outputs, 1, one->weights, outputs, in, 1, 0, out, 1);
    else if (outputs == 1)
        model->gemv(row_major, no_transpose, (int)rows, inputs, 1, in, inputs, one->weights, 1, 0, out, 1);
    else
        model->gemm(
            row_major, no_transpose, no_transpose, (int)rows, outputs, inputs, 1, in, inputs, one->weights, outputs, 0,
            out, outputs);
}

static bool network_score(peer *one, size_t first, size_t rows) {
    network *model = one->state;
    const float *in = one->rows.values + first * one->rows.width;
    for (size_t index = 0; index < model->count; index++) {
        const layer *step = &model->layers[index];
        bool is_last = index + 1 == model->count;
        float *out = is_last ? one->answers : model->hidden[index & 1];
        if (model->gemm) product_by_blas(model, step, in, out, rows);
        else
            for (size_t row = 0; row < rows; row++)
                product_by_loop(step, in + row * step->inputs, out + row * step->outputs);
        activate(step, out, rows, is_last);
        in = out;
    }
    return true;
}

static void network_close(peer *one) {
    network *model = one->state;
    free(model->numbers);
    free(model->hidden[0]);
    free(model->hidden[1]);
    free(model);
}

/// The widths of layers.json: `[32, 64, 32, 1]`.
static size_t read_widths(const char *folder, size_t *widths, size_t room) {
    FILE *file = fopen(peer_path(folder, "layers.json"), "r");
    size_t count = 0;
    if (!file) return 0;
    if (fscanf(file, " [") == 0)
        while (count < room && fscanf(file, "%zu%*[], ]", &widths[count]) == 1) count++;
    fclose(file);
    return count;
}

static bool read_layers(peer *one, network *model, const char *folder) {
    size_t widths[layers_max + 1], total = 0, widest = 0;
    size_t count = read_widths(folder, widths, layers_max + 1);
    if (count < 2 || widths[0] != one->rows.width) return peer_fail(one, "layers.json does not fit the rows");
    for (size_t index = 1; index < count; index++) {
        total += (widths[index - 1] + 1) * widths[index];
        if (widths[index] > widest) widest = widths[index];
    }
    model->count = count - 1;
    model->numbers = peer_memory(total * sizeof(float));
    FILE *file = fopen(peer_path(folder, "layers.f32"), "rb");
    size_t got = file ? fread(model->numbers, sizeof(float), total, file) : 0;
    if (file) fclose(file);
    if (got != total) return peer_fail(one, "layers.f32 is not %zu numbers long", total);
    const float *next = model->numbers;
    for (size_t index = 0; index < model->count; index++) {
        layer *step = &model->layers[index];
        *step = (layer){widths[index], widths[index + 1], next, next + widths[index] * widths[index + 1]};
        next = step->bias + step->outputs;
    }
    for (int side = 0; side < 2; side++) model->hidden[side] = peer_memory(one->rows.count * widest * sizeof(float));
    return true;
}

bool peer_open_loop(peer *one, peer_place place) {
    network *model = calloc(1, sizeof *model);
    one->state = model;
    one->close = network_close;
    one->score = network_score;
    return read_layers(one, model, place.folder);
}

bool peer_open_openblas(peer *one, peer_place place) {
    void *library = peer_library(one, place.libraries, "libopenblas.so");
    if (!library) return false;
    void (*set_threads)(int) = peer_symbol(one, library, "openblas_set_num_threads");
    void *gemv = peer_symbol(one, library, "cblas_sgemv");
    void *gemm = peer_symbol(one, library, "cblas_sgemm");
    if (!set_threads || !gemv || !gemm || !peer_open_loop(one, place)) return false;
    network *model = one->state;
    model->gemv = gemv;
    model->gemm = gemm;
    set_threads(1);
    return true;
}
