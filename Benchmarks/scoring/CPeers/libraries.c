// The trainers' own prediction functions, as their C interfaces declare them.
//
//     XGBoost    XGBoosterPredictFromDense, which reads rows in place; the row's address goes in as JSON
//     LightGBM   one row: the prepared call (SingleRowFast); more: LGBM_BoosterPredictForMat
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

// MARK: XGBoost

typedef struct {
    void *booster;
    int (*predict)(void *, const char *, const char *, void *, const uint64_t **, uint64_t *, const float **);
} xgboost;

static const char xgboost_options[] =
    "{\"type\":1,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,\"missing\":NaN,\"cache_id\":0}";

static bool xgboost_score(peer *one, size_t first, size_t rows) {
    xgboost *model = one->state;
    char matrix[160];
    const uint64_t *shape;
    uint64_t dimensions;
    const float *result;
    snprintf(
        matrix, sizeof matrix, "{\"data\":[%zu,true],\"shape\":[%zu,%zu],\"typestr\":\"<f4\",\"version\":3}",
        (size_t)(one->rows.values + first * one->rows.width), rows, one->rows.width);
    if (model->predict(model->booster, matrix, xgboost_options, NULL, &shape, &dimensions, &result) != 0) return false;
    memcpy(one->answers, result, rows * sizeof(float));
    return true;
}

static void xgboost_close(peer *one) { free(one->state); }

bool peer_open_xgboost(peer *one, peer_place place) {
    void *library = peer_library(one, place.libraries, "libxgboost.so");
    if (!library) return false;
    int (*create)(void *const *, uint64_t, void **) = peer_symbol(one, library, "XGBoosterCreate");
    int (*set)(void *, const char *, const char *) = peer_symbol(one, library, "XGBoosterSetParam");
    int (*load)(void *, const char *) = peer_symbol(one, library, "XGBoosterLoadModel");
    const char *(*reason)(void) = peer_symbol(one, library, "XGBGetLastError");
    void *predict = peer_symbol(one, library, "XGBoosterPredictFromDense");
    if (!create || !set || !load || !reason || !predict) return false;
    xgboost *model = calloc(1, sizeof *model);
    one->state = model;
    one->close = xgboost_close;
    one->score = xgboost_score;
    one->gives_margins = true;
    model->predict = predict;
    if (create(NULL, 0, &model->booster) != 0 || set(model->booster, "nthread", "1") != 0 ||
        load(model->booster, peer_path(place.folder, "model.json")) != 0)
        return peer_fail(one, "xgboost: %s", reason());
    return true;
}

// MARK: LightGBM

enum { lightgbm_float32 = 0, lightgbm_raw_score = 1 };

typedef struct {
    void *booster;
    void *single;
    int (*predict_single)(void *fast, const void *row, int64_t *count, double *result);
    int (*predict)(
        void *booster, const void *rows, int type, int32_t row_count, int32_t width, int is_row_major, int prediction,
        int start, int iterations, const char *options, int64_t *count, double *result);
} lightgbm;

static const char lightgbm_options[] = "num_threads=1";

static bool lightgbm_score(peer *one, size_t first, size_t rows) {
    lightgbm *model = one->state;
    const float *values = one->rows.values + first * one->rows.width;
    int64_t count;
    if (rows == 1) return model->predict_single(model->single, values, &count, one->answers) == 0;
    return model->predict(
               model->booster, values, lightgbm_float32, (int32_t)rows, (int32_t)one->rows.width, 1, lightgbm_raw_score,
               0, -1, lightgbm_options, &count, one->answers) == 0;
}

static void lightgbm_close(peer *one) { free(one->state); }

bool peer_open_lightgbm(peer *one, peer_place place) {
    void *library = peer_library(one, place.libraries, "lib_lightgbm.so");
    if (!library) return false;
    int (*load)(const char *, int *, void **) = peer_symbol(one, library, "LGBM_BoosterCreateFromModelfile");
    int (*prepare)(void *, int, int, int, int, int32_t, const char *, void **) =
        peer_symbol(one, library, "LGBM_BoosterPredictForMatSingleRowFastInit");
    const char *(*reason)(void) = peer_symbol(one, library, "LGBM_GetLastError");
    void *single = peer_symbol(one, library, "LGBM_BoosterPredictForMatSingleRowFast");
    void *many = peer_symbol(one, library, "LGBM_BoosterPredictForMat");
    if (!load || !prepare || !reason || !single || !many) return false;
    lightgbm *model = calloc(1, sizeof *model);
    one->state = model;
    one->close = lightgbm_close;
    one->score = lightgbm_score;
    one->answers_are_double = true;
    one->gives_margins = true;
    model->predict_single = single;
    model->predict = many;
    int iterations;
    if (load(peer_path(place.folder, "model.txt"), &iterations, &model->booster) != 0 ||
        prepare(
            model->booster, lightgbm_raw_score, 0, -1, lightgbm_float32, (int32_t)one->rows.width, lightgbm_options,
            &model->single) != 0)
        return peer_fail(one, "lightgbm: %s", reason());
    return true;
}
