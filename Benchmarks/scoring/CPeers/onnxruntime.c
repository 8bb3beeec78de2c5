// ONNX Runtime through its C interface, without its header.
//
// OrtGetApiBase()->GetApi(1) is a table of functions whose order is fixed for ever (its authors only add at the end),
// so a function is its place in the table.  One session, one thread, all graph optimizations; the rows are wrapped
// in place, the output tensor is the library's.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

enum {
    get_error_message = 2,
    create_env = 3,
    create_session = 7,
    run = 9,
    create_session_options = 10,
    set_intra_op_threads = 24,
    set_inter_op_threads = 25,
    session_get_output_count = 31,
    session_get_input_name = 36,
    session_get_output_name = 37,
    create_tensor_with_data = 49,
    get_tensor_mutable_data = 51,
    get_tensor_element_count = 64,
    get_tensor_type_and_shape = 65,
    create_cpu_memory_info = 69,
    get_allocator = 78,
    release_value = 96,
    release_tensor_info = 99,
};
enum { element_float = 1, log_errors = 3, arena_allocator = 1, default_memory = 0 };

typedef struct {
    void *const *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
} api_base;

typedef struct {
    void *const *api;
    void *session, *memory;
    char *input, *output;
} onnxruntime;

// A function of the table, given its type.
#define CALL(api, place, type) ((type)(api)[place])
typedef void *on_value(void *value, void *result);

static bool onnxruntime_score(peer *one, size_t first, size_t rows) {
    onnxruntime *model = one->state;
    typedef void *tensor(const void *, void *, size_t, const int64_t *, size_t, int, void **);
    typedef void *runner(
        void *, const void *, const char *const *, const void *const *, size_t, const char *const *, size_t, void **);
    int64_t shape[2] = {(int64_t)rows, (int64_t)one->rows.width};
    const float *values = one->rows.values + first * one->rows.width;
    void *input = NULL, *output = NULL, *numbers = NULL;
    bool done =
        !CALL(model->api, create_tensor_with_data, tensor *)(
            model->memory, (void *)values, rows * one->rows.width * sizeof(float), shape, 2, element_float, &input) &&
        !CALL(model->api, run, runner *)(
            model->session, NULL, (const char *const *)&model->input, (const void *const *)&input, 1,
            (const char *const *)&model->output, 1, &output) &&
        !CALL(model->api, get_tensor_mutable_data, on_value *)(output, &numbers);
    if (done) memcpy(one->answers, numbers, rows * one->answer_stride * sizeof(float));
    if (input) CALL(model->api, release_value, void (*)(void *))(input);
    if (output) CALL(model->api, release_value, void (*)(void *))(output);
    return done;
}

static void onnxruntime_close(peer *one) { free(one->state); }

static bool check(peer *one, void *const *api, void *status) {
    if (!status) return true;
    return peer_fail(one, "onnxruntime: %s", CALL(api, get_error_message, const char *(*)(void *))(status));
}

/// The session, and the names of its input and its last output, where classifiers have the probabilities.
static bool open_session(peer *one, onnxruntime *model, const char *path) {
    typedef void *maker(int, const char *, void **);
    typedef void *session_maker(void *, const char *, void *, void **);
    typedef void *threads(void *, int);
    typedef void *namer(void *, size_t, void *, char **);
    typedef void *memory_maker(int, int, void **);
    void *const *api = model->api;
    void *environment = NULL, *options = NULL, *allocator = NULL;
    size_t outputs = 0;
    return check(one, api, CALL(api, create_env, maker *)(log_errors, "scoring", &environment)) &&
           check(one, api, CALL(api, create_session_options, void *(*)(void **))(&options)) &&
           check(one, api, CALL(api, set_intra_op_threads, threads *)(options, 1)) &&
           check(one, api, CALL(api, set_inter_op_threads, threads *)(options, 1)) &&
           check(one, api, CALL(api, create_session, session_maker *)(environment, path, options, &model->session)) &&
           check(one, api, CALL(api, get_allocator, void *(*)(void **))(&allocator)) &&
           check(one, api, CALL(api, session_get_output_count, on_value *)(model->session, &outputs)) &&
           check(one, api, CALL(api, session_get_input_name, namer *)(model->session, 0, allocator, &model->input)) &&
           check(
               one, api,
               CALL(api, session_get_output_name, namer *)(model->session, outputs - 1, allocator, &model->output)) &&
           check(
               one, api,
               CALL(api, create_cpu_memory_info, memory_maker *)(arena_allocator, default_memory, &model->memory));
}

/// How many numbers a row of the output has.
static bool measure_output(peer *one, onnxruntime *model) {
    typedef void *tensor(const void *, void *, size_t, const int64_t *, size_t, int, void **);
    typedef void *runner(
        void *, const void *, const char *const *, const void *const *, size_t, const char *const *, size_t, void **);
    int64_t shape[2] = {1, (int64_t)one->rows.width};
    void *input = NULL, *output = NULL, *info = NULL;
    void *const *api = model->api;
    size_t count = 0;
    bool done =
        check(
            one, api,
            CALL(api, create_tensor_with_data, tensor *)(
                model->memory, (void *)one->rows.values, one->rows.width * sizeof(float), shape, 2, element_float,
                &input)) &&
        check(
            one, api,
            CALL(api, run, runner *)(
                model->session, NULL, (const char *const *)&model->input, (const void *const *)&input, 1,
                (const char *const *)&model->output, 1, &output)) &&
        check(one, api, CALL(api, get_tensor_type_and_shape, on_value *)(output, &info)) &&
        check(one, api, CALL(api, get_tensor_element_count, on_value *)(info, &count));
    if (info) CALL(api, release_tensor_info, void (*)(void *))(info);
    if (input) CALL(api, release_value, void (*)(void *))(input);
    if (output) CALL(api, release_value, void (*)(void *))(output);
    if (done && (count < 1 || count > 2)) return peer_fail(one, "onnxruntime: %zu numbers a row", count);
    one->answer_stride = count;
    one->answer_offset = count - 1;
    return done;
}

bool peer_open_onnxruntime(peer *one, peer_place place) {
    return peer_open_onnxruntime_library(one, place, "libonnxruntime.so");
}

bool peer_open_onnxruntime_library(peer *one, peer_place place, const char *name) {
    void *library = peer_library(one, place.libraries, name);
    const api_base *(*base)(void) = library ? peer_symbol(one, library, "OrtGetApiBase") : NULL;
    if (!base) return false;
    onnxruntime *model = calloc(1, sizeof *model);
    one->state = model;
    one->close = onnxruntime_close;
    one->score = onnxruntime_score;
    model->api = base()->get_api(1);
    if (!model->api) return peer_fail(one, "onnxruntime: its first interface is gone");
    return open_session(one, model, peer_path(place.folder, "model.onnx")) && measure_output(one, model);
}
