// What all peers share: opening, the clock around the calls, and reading answers back.
#define _GNU_SOURCE
#include "peer.h"

#include <dlfcn.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *kind;
    peer_opener *open;
} kinds[] = {
    {"tl2cgen", peer_open_tl2cgen},     {"lleaves", peer_open_lleaves},
    {"catboost-cpp", peer_open_catboost}, {"xgboost", peer_open_xgboost},
    {"lightgbm", peer_open_lightgbm},   {"onnxruntime", peer_open_onnxruntime},
    {"onnxruntime-sse", peer_open_onnxruntime_sse},
    {"loop", peer_open_loop},           {"openblas", peer_open_openblas},
};

peer *peer_open(
    const char *kind, const char *folder, const char *libraries, peer_rows rows, char *error, size_t error_bytes) {
    peer *one = calloc(1, sizeof *one);
    if (!one) return NULL;
    one->rows = rows;
    one->answer_stride = 1;
    one->error = error;
    one->error_bytes = error_bytes;
    // Room for two numbers a row, as ONNX classifiers give.
    one->answers = peer_memory(rows.count * 2 * sizeof(double));
    for (size_t index = 0; index < sizeof kinds / sizeof kinds[0]; index++)
        if (strcmp(kinds[index].kind, kind) == 0) {
            if (kinds[index].open(one, (peer_place){folder, libraries})) return one;
            peer_close(one);
            return NULL;
        }
    peer_fail(one, "there is no peer called %s", kind);
    peer_close(one);
    return NULL;
}

void peer_close(peer *one) {
    if (!one) return;
    if (one->close && one->state) one->close(one);
    free(one->answers);
    free(one);
}

bool peer_gives_margins(const peer *one) { return one->gives_margins; }

uint64_t peer_clock_nanos(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t peer_run(peer *one, size_t first, size_t rows, size_t calls, size_t rotation) {
    bool (*score)(peer *, size_t, size_t) = one->score;
    size_t row = first % rotation;
    uint64_t begin = peer_clock_nanos();
    for (size_t call = 0; call < calls; call++) {
        score(one, row, rows);
        row += rows;
        if (row >= rotation) row = 0;
    }
    return peer_clock_nanos() - begin;
}

bool peer_answers(peer *one, size_t first, size_t rows, double *into) {
    if (!one->score(one, first, rows)) return false;
    for (size_t row = 0; row < rows; row++) {
        size_t place = row * one->answer_stride + one->answer_offset;
        into[row] = one->answers_are_double ? ((double *)one->answers)[place] : ((float *)one->answers)[place];
    }
    return true;
}

bool peer_pin(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

int peer_processors(int *into, int room) {
    cpu_set_t set;
    int count = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
    for (int processor = 0; processor < CPU_SETSIZE && count < room; processor++)
        if (CPU_ISSET(processor, &set)) into[count++] = processor;
    return count;
}

bool peer_fail(peer *one, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(one->error, one->error_bytes, format, arguments);
    va_end(arguments);
    return false;
}

void *peer_library(peer *one, const char *folder, const char *name) {
    // Its real path: some look for libraries beside themselves, which must not be beside a link to them.
    char *path = realpath(peer_path(folder, name), NULL);
    if (!path) {
        peer_fail(one, "%s is not there", peer_path(folder, name));
        return NULL;
    }
    // RTLD_LOCAL: every generated model calls its function by the same name.
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) peer_fail(one, "%s", dlerror());
    free(path);
    return library;
}

void *peer_symbol(peer *one, void *library, const char *name) {
    void *found = dlsym(library, name);
    if (!found) peer_fail(one, "%s", dlerror());
    return found;
}

const char *peer_path(const char *folder, const char *name) {
    static _Thread_local char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

void *peer_memory(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory) abort();
    memset(memory, 0, bytes);
    return memory;
}
