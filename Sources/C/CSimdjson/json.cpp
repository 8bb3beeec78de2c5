#include "serin_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <new>
#include <string>

#include <simdjson.h>

#ifdef __linux__
#include <sys/mman.h>
#endif

// Capacity grows to a power of two up to here, then to what is needed: a 300 MB model must not
// reserve a tape for 512 MB.
static constexpr size_t power_of_two_limit = 1 << 20;
static constexpr size_t smallest_capacity = 1 << 10;

struct serin_json_parser {
    simdjson::dom::parser parser;
    simdjson::dom::document document;
    size_t max_bytes;
    size_t max_depth;
    // What the buffers have room for; at least `smallest_capacity` once they exist.
    size_t capacity = 0;

    serin_json_parser(size_t bytes, size_t depth)
        // simdjson refuses what reaches its depth.
        : parser(std::max(bytes, smallest_capacity)), max_bytes(bytes), max_depth(depth + 1) {}
};

serin_json_parser *serin_json_create(size_t max_bytes, size_t max_depth) {
    size_t bytes = std::min<size_t>(max_bytes, simdjson::SIMDJSON_MAXSIZE_BYTES);
    return new (std::nothrow) serin_json_parser(bytes, max_depth);
}

void serin_json_destroy(serin_json_parser *parser) { delete parser; }

// Asks for huge pages where a buffer is large: of the 80 ms that 13 MB took to parse and read, 30
// went into 25,000 page faults.
static void prefer_huge_pages(void *start, size_t bytes) {
#ifdef __linux__
    constexpr uintptr_t huge = 2 << 20;
    uintptr_t first = (reinterpret_cast<uintptr_t>(start) + huge - 1) & ~(huge - 1);
    uintptr_t end = (reinterpret_cast<uintptr_t>(start) + bytes) & ~(huge - 1);
    if (first < end) { madvise(reinterpret_cast<void *>(first), end - first, MADV_HUGEPAGE); }
#endif
}

static bool grow(serin_json_parser *self, size_t length) {
    size_t capacity = smallest_capacity;
    while (capacity < length && capacity < power_of_two_limit) { capacity <<= 1; }
    capacity = std::max(std::min(std::max(capacity, length), self->max_bytes), smallest_capacity);
    self->capacity = 0;
    if (self->parser.allocate(capacity, self->max_depth) != simdjson::SUCCESS) { return false; }
    if (self->document.allocate(capacity) != simdjson::SUCCESS) { return false; }
    if (capacity > power_of_two_limit) {
        // A tape has a word a byte and more; the list of structural places four bytes a byte.
        prefer_huge_pages(self->document.tape.get(), capacity * sizeof(uint64_t));
        prefer_huge_pages(self->parser.implementation->structural_indexes.get(), capacity * sizeof(uint32_t));
    }
    self->capacity = capacity;
    return true;
}

serin_json_status serin_json_parse(
    serin_json_parser *self, const uint8_t *bytes, size_t length, serin_json_document *document) {
    if (length > self->max_bytes) { return SERIN_JSON_TOO_LONG; }
    if (length > self->capacity && !grow(self, length)) { return SERIN_JSON_OUT_OF_MEMORY; }
    if (length == 0) { return SERIN_JSON_REFUSED; }
    auto result = self->parser.parse_into_document(self->document, bytes, length, false);
    if (result.error() != simdjson::SUCCESS) { return SERIN_JSON_REFUSED; }
    document->tape = self->document.tape.get();
    document->strings = self->document.string_buf.get();
    return SERIN_JSON_OK;
}

size_t serin_json_write_float(char *out, float value) {
    return std::to_chars(out, out + SERIN_JSON_DIGITS, value).ptr - out;
}

size_t serin_json_write_double(char *out, double value) {
    return std::to_chars(out, out + SERIN_JSON_DIGITS, value).ptr - out;
}

bool serin_json_is_finite(const uint8_t *bytes, size_t length) {
    const char *text = reinterpret_cast<const char *>(bytes);
    double value = 0;
    if (std::from_chars(text, text + length, value).ec == std::errc()) { return true; }
    // Out of range: from_chars does not say whether above or below, strtod does, but wants a NUL
    // and the C locale, which this process never leaves.
    return std::isfinite(std::strtod(std::string(text, length).c_str(), nullptr));
}
