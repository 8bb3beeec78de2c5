// The peers that turn a model into machine code: one shared object a model, one function in it.
//
//     tl2cgen   predict(union *row, margin, *result)      a union a value; it adds to the result, one call a row
//     lleaves   forest_root(rows, results, begin, end)    doubles, any number of rows
//     CatBoost  ApplyCatboostModel(vector<float>)         one call a row
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

// MARK: tl2cgen

/// One value as tl2cgen's code takes it: -1 in `missing`, else the number; models in double have the wider union.
typedef union {
    int32_t missing;
    float value;
} tl2cgen_float;
typedef union {
    int32_t missing;
    double value;
} tl2cgen_double;

typedef struct {
    void (*predict)(void *row, int wants_margin, void *result);
    char *entries;
    size_t row_bytes;
    /// Numbers that the model writes a row, each of `number_bytes`.
    size_t outputs, number_bytes;
} tl2cgen;

static bool tl2cgen_score(peer *one, size_t first, size_t rows) {
    tl2cgen *model = one->state;
    size_t result_bytes = model->outputs * model->number_bytes;
    char *result = one->answers;
    const char *entry = model->entries + first * model->row_bytes;
    memset(result, 0, rows * result_bytes);
    for (size_t row = 0; row < rows; row++, entry += model->row_bytes, result += result_bytes)
        model->predict((void *)entry, 1, result);
    return true;
}

static void tl2cgen_close(peer *one) {
    free(((tl2cgen *)one->state)->entries);
    free(one->state);
}

static void tl2cgen_fill(tl2cgen *model, peer_rows rows, bool is_double) {
    size_t count = rows.count * rows.width;
    model->entries = peer_memory(count * (is_double ? sizeof(tl2cgen_double) : sizeof(tl2cgen_float)));
    for (size_t index = 0; index < count; index++) {
        float value = rows.values[index];
        if (is_double) {
            tl2cgen_double *entry = (tl2cgen_double *)model->entries + index;
            if (isnan(value)) entry->missing = -1;
            else entry->value = value;
        } else {
            tl2cgen_float *entry = (tl2cgen_float *)model->entries + index;
            if (isnan(value)) entry->missing = -1;
            else entry->value = value;
        }
    }
}

bool peer_open_tl2cgen(peer *one, peer_place place) {
    void *library = peer_library(one, place.folder, "tl2cgen.so");
    if (!library) return false;
    const char *(*threshold_type)(void) = peer_symbol(one, library, "get_threshold_type");
    const char *(*leaf_type)(void) = peer_symbol(one, library, "get_leaf_output_type");
    void (*class_counts)(int32_t *) = peer_symbol(one, library, "get_num_class");
    void *predict = peer_symbol(one, library, "predict");
    if (!threshold_type || !leaf_type || !class_counts || !predict) return false;
    int32_t classes = 1;
    class_counts(&classes);
    if (classes > 2) return peer_fail(one, "tl2cgen: %d classes, at most 2 are read", classes);
    bool is_double = strcmp(threshold_type(), "float64") == 0;
    tl2cgen *model = calloc(1, sizeof *model);
    model->predict = predict;
    model->outputs = (size_t)classes;
    model->number_bytes = strcmp(leaf_type(), "float64") == 0 ? sizeof(double) : sizeof(float);
    model->row_bytes = one->rows.width * (is_double ? sizeof(tl2cgen_double) : sizeof(tl2cgen_float));
    tl2cgen_fill(model, one->rows, is_double);
    one->state = model;
    one->score = tl2cgen_score;
    one->close = tl2cgen_close;
    one->answers_are_double = model->number_bytes == sizeof(double);
    one->answer_stride = model->outputs;
    one->answer_offset = model->outputs - 1;
    // A forest's leaves are probabilities already.
    one->gives_margins = classes == 1;
    return true;
}

// MARK: lleaves

typedef struct {
    void (*forest_root)(const double *rows, double *results, int32_t begin, int32_t end);
    double *values;
} lleaves;

static bool lleaves_score(peer *one, size_t first, size_t rows) {
    lleaves *model = one->state;
    model->forest_root(model->values + first * one->rows.width, one->answers, 0, (int32_t)rows);
    return true;
}

static void lleaves_close(peer *one) {
    free(((lleaves *)one->state)->values);
    free(one->state);
}

bool peer_open_lleaves(peer *one, peer_place place) {
    void *library = peer_library(one, place.folder, "lleaves.so");
    void *root = library ? peer_symbol(one, library, "forest_root") : NULL;
    if (!root) return false;
    size_t count = one->rows.count * one->rows.width;
    lleaves *model = calloc(1, sizeof *model);
    model->forest_root = root;
    model->values = peer_memory(count * sizeof(double));
    for (size_t index = 0; index < count; index++) model->values[index] = one->rows.values[index];
    one->state = model;
    one->score = lleaves_score;
    one->close = lleaves_close;
    one->answers_are_double = true;
    one->gives_margins = true;
    return true;
}

// MARK: CatBoost's exported C++

typedef struct {
    double (*score)(const void *row);
    void **rows;
    size_t count;
    void (*free_row)(void *row);
} catboost;

static bool catboost_score(peer *one, size_t first, size_t rows) {
    catboost *model = one->state;
    double *answers = one->answers;
    for (size_t row = 0; row < rows; row++) answers[row] = model->score(model->rows[first + row]);
    return true;
}

static void catboost_close(peer *one) {
    catboost *model = one->state;
    for (size_t row = 0; row < model->count; row++) model->free_row(model->rows[row]);
    free(model->rows);
    free(model);
}

bool peer_open_catboost(peer *one, peer_place place) {
    void *library = peer_library(one, place.folder, "catboost.so");
    if (!library) return false;
    void *(*make_row)(const float *, size_t) = peer_symbol(one, library, "catboost_row");
    void *score = peer_symbol(one, library, "catboost_score");
    void *free_row = peer_symbol(one, library, "catboost_free_row");
    if (!make_row || !score || !free_row) return false;
    catboost *model = calloc(1, sizeof *model);
    model->score = score;
    model->free_row = free_row;
    model->count = one->rows.count;
    model->rows = peer_memory(model->count * sizeof(void *));
    for (size_t row = 0; row < model->count; row++)
        model->rows[row] = make_row(one->rows.values + row * one->rows.width, one->rows.width);
    one->state = model;
    one->score = catboost_score;
    one->close = catboost_close;
    one->answers_are_double = true;
    one->gives_margins = true;
    return true;
}
