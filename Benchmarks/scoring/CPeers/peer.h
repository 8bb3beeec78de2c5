// What a kind of peer fills in.
#pragma once

#include "CPeers.h"

struct peer {
    /// Scores rows `first` to `first + rows` into `answers`; false: the library reports an error.
    bool (*score)(peer *one, size_t first, size_t rows);
    void (*close)(peer *one);
    peer_rows rows;
    /// One a row of a call, float32 or double as the library writes them.
    void *answers;
    bool answers_are_double;
    /// Numbers from one row's answer to the next, and which of them is the score.
    size_t answer_stride, answer_offset;
    bool gives_margins;
    /// The kind's own.
    void *state;
    char *error;
    size_t error_bytes;
};

typedef struct {
    const char *folder;
    const char *libraries;
} peer_place;

/// Fills in `one`, whose rows are set; false: `peer_fail` has said why.
typedef bool peer_opener(peer *one, peer_place place);

peer_opener peer_open_tl2cgen, peer_open_lleaves, peer_open_catboost, peer_open_xgboost, peer_open_lightgbm,
    peer_open_onnxruntime, peer_open_onnxruntime_sse, peer_open_loop, peer_open_openblas;

/// ONNX Runtime from the shared object of that name.
bool peer_open_onnxruntime_library(peer *one, peer_place place, const char *name);

/// Answers the cpuid instructions of the copy without AVX, from now on; false: noted.
bool peer_disarm(peer *one);

/// Notes the reason and gives false.
bool peer_fail(peer *one, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// The shared object `folder`/`name`, with its symbols to itself; null: noted.
void *peer_library(peer *one, const char *folder, const char *name);

/// A function of it; null: noted.
void *peer_symbol(peer *one, void *library, const char *name);

/// `folder`/`name`, valid until the next call on this thread.
const char *peer_path(const char *folder, const char *name);

/// Memory on a 64-byte boundary, or the end of the process.
void *peer_memory(size_t bytes);
