// Arrays of JSON numbers to floats or doubles, for bodies in the form that nearly all clients write.
//
//     [1.5, 23, null, 0.032000001519918435]
//       │    └ the separators of 64 bytes are found at once, so numbers do not wait for each other
//       └ digits without their point ─► one integer of at most 19 digits ─► ÷ 10^k, rounded once
//
// Results are those of any correct parser: the nearest double (and the nearest float to that).
// Whatever is not plainly such an array is not refused here but handed back: the caller has a
// strict parser that says what is wrong.  32 numbers of 6 to 17 digits take about 0.15 µs, half of
// what tape and walk took.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Readable bytes that the reader needs behind the text, and in front of it.
#define SERIN_DECIMAL_PADDING 64
#define SERIN_DECIMAL_MARGIN 33

/// Reads exactly `count` numbers or nulls (NaN) behind a `[`, up to and with the `]`.
///
/// Returns the place behind the `]`, or null where the text is anything else: another count, a
/// nested array, a string, a number that is not JSON's or is too large for the type.
const char *serin_decimal_read_floats(const char *text, const char *end, float *values, size_t count);
const char *serin_decimal_read_doubles(const char *text, const char *end, double *values, size_t count);

/// The same on any machine; the functions above are these where there is no AVX-512.
const char *serin_decimal_read_floats_scalar(const char *text, const char *end, float *values, size_t count);
const char *serin_decimal_read_doubles_scalar(const char *text, const char *end, double *values, size_t count);

/// Reads one line of delimited text, up to `limit` fields of it: `columns[i]` says where field i's number goes in
/// `values`, or is negative where nobody asks for it. An empty field is NaN.
///
/// Returns how many fields there are, `limit + 1` where there are more. `stops[i]`: where field i ends, in bytes from
/// the line's beginning. `odd`: the fields that were asked for and are neither empty nor plain numbers. A byte behind
/// `end` must be readable and no digit; the delimiter is no digit, point or minus.
size_t serin_decimal_read_fields(
    const char *line, const char *end, char delimiter, const int32_t *columns, size_t limit, double *values,
    uint32_t *stops, uint32_t *odd, size_t *odd_count);

/// A number as people and programs write it: a sign, digits with a point anywhere among them, an exponent; 0: it is
/// none, is longer than 64 characters, or is too large.
int serin_decimal_read_text(const char *text, const char *end, double *value);
