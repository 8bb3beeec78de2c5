// The libraries that Serin is measured against, behind one interface.
//
//     peer_open("lleaves", …) ─► peer ─► peer_run: calls and the clock, in C     (dlopen, no headers, no link)
//                                  └──► peer_answers: the same calls, their results as doubles
//
// Rows are made ready for a library before it is timed, in the form it likes best (doubles, its own
// union, vectors); what is timed is its scoring call and nothing else.  Every library runs on the
// calling thread alone.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// The rows to score: `values` is row-major, NaN is missing; the caller keeps it alive.
typedef struct {
    const float *values;
    size_t count;
    size_t width;
} peer_rows;

typedef struct peer peer;

/// Opens a library and the model in `folder` with it; `libraries` holds the shared objects.
/// Null: `error` says why.
/// Kinds: tl2cgen, lleaves, catboost-cpp, xgboost, lightgbm, onnxruntime, onnxruntime-sse (without AVX), loop, openblas.
peer *_Nullable peer_open(
    const char *kind, const char *folder, const char *libraries, peer_rows rows,
    char *error, size_t error_bytes);

/// Whether answers are margins; else they are probabilities.
bool peer_gives_margins(const peer *one);

/// The nanoseconds that `calls` calls of `rows` rows each take, from row `first` on, round and round in the first
/// `rotation` rows (a multiple of `rows`).
uint64_t peer_run(peer *one, size_t first, size_t rows, size_t calls, size_t rotation);

/// The answers to rows `first` to `first + rows`, one a row; false where the library reports an error.
bool peer_answers(peer *one, size_t first, size_t rows, double *into);

void peer_close(peer *_Nullable one);

/// Monotonic time.
uint64_t peer_clock_nanos(void);

/// Keeps the calling thread on one processor; false: not allowed.
bool peer_pin(int processor);

/// The processors that this process may use, at most `room` of them written to `into`; their number.
int peer_processors(int *into, int room);

#pragma clang assume_nonnull end
