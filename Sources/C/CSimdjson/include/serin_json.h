// simdjson's DOM parser behind C: bytes in, a tape out.
//
// The tape is an array of 64-bit words, the string buffer holds every string unescaped, each
// behind a 32-bit length and in front of a NUL.  Who walks them needs no call into this file.
// Also here, because C++17 has the only shortest round-trip digits in the system library:
// std::to_chars and std::from_chars for float and double.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct serin_json_parser serin_json_parser;

// What one parse left behind; valid until the parser's next parse.
typedef struct {
    const uint64_t *tape;
    const uint8_t *strings;
} serin_json_document;

typedef enum {
    SERIN_JSON_OK = 0,
    // Not JSON, or a number that 64 bits cannot hold.
    SERIN_JSON_REFUSED = 1,
    // Longer than `max_bytes`.
    SERIN_JSON_TOO_LONG = 2,
    SERIN_JSON_OUT_OF_MEMORY = 3,
} serin_json_status;

// A parser for documents of up to `max_bytes` bytes (below 4 GiB) nested up to `max_depth`
// deep (empty containers do not count).  Allocates its buffers at the first parse and keeps them; NULL: out of memory.
serin_json_parser *serin_json_create(size_t max_bytes, size_t max_depth);
void serin_json_destroy(serin_json_parser *parser);

// Parses `length` bytes; 64 more behind them must be readable.
serin_json_status serin_json_parse(
    serin_json_parser *parser, const uint8_t *bytes, size_t length, serin_json_document *document);

// Writes the shortest digits that read back as `value`, which is finite; at most
// SERIN_JSON_DIGITS bytes, no NUL.  Returns how many.
#define SERIN_JSON_DIGITS 32
size_t serin_json_write_float(char *out, float value);
size_t serin_json_write_double(char *out, double value);

// True if the JSON number at `bytes` is finite as a double.
bool serin_json_is_finite(const uint8_t *bytes, size_t length);

#ifdef __cplusplus
}
#endif
