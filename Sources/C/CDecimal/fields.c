// A line of delimited text in one walk: where its fields end, and the numbers among them.
//
//     1203,129.5,,DE,3\n
//       │    │   │ │  └ digits: the number is there when its end is found
//       │    │   │ └ none of these: noted as odd, for a caller who knows categories
//       │    │   └ empty: missing
//       └────┴ a column nobody asked for is only stepped over
//
// Numbers of data files are short (32 columns of the shipped models: 3.6 characters on average), so digits are
// taken one by one: a register's worth of them at a time would mostly hold the neighbours.
#include "decimal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static inline int is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/// Digits with at most one point among them that end where the field does; null: anything else.
static inline __attribute__((always_inline)) const char *read_plain(
    const char *at, const char *end, char delimiter, double *value) {
    int negative = *at == '-';
    at += negative;
    const char *start = at;
    uint64_t digits = 0;
    while (is_digit(*at)) digits = digits * 10 + (uint64_t)(*at++ - '0');
    size_t count = (size_t)(at - start), places = 0;
    if (count == 0) return NULL;
    if (*at == '.') {
        const char *fraction = ++at;
        while (is_digit(*at)) digits = digits * 10 + (uint64_t)(*at++ - '0');
        places = (size_t)(at - fraction);
        if (places == 0) return NULL;
    }
    if (at > end || (at != end && *at != delimiter) || count + places > SERIN_DECIMAL_DIGITS) return NULL;
    *value = serin_decimal_scale(digits, places);
    // As in JSON, an integer has no negative zero.
    if (negative && (places > 0 || digits > 0)) *value = -*value;
    return at;
}

size_t serin_decimal_read_fields(
    const char *line, const char *end, char delimiter, const int32_t *columns, size_t limit, double *values,
    uint32_t *stops, uint32_t *odd, size_t *odd_count) {
    const char *at = line;
    size_t odd_fields = 0;
    for (size_t field = 0; field < limit; field++) {
        int32_t column = columns[field];
        const char *stop = NULL;
        if (column >= 0) {
            if (at == end || *at == delimiter) {
                values[column] = NAN;
                stop = at;
            } else {
                stop = read_plain(at, end, delimiter, &values[column]);
                if (stop == NULL) odd[odd_fields++] = (uint32_t)field;
            }
        }
        if (stop == NULL)
            for (stop = at; stop < end && *stop != delimiter;) stop++;
        stops[field] = (uint32_t)(stop - line);
        *odd_count = odd_fields;
        if (stop == end) return field + 1;
        at = stop + 1;
    }
    return limit + 1;
}

int serin_decimal_read_text(const char *text, const char *end, double *value) {
    const char *at = text;
    if (at < end && (*at == '+' || *at == '-')) at++;
    const char *whole = at;
    while (at < end && is_digit(*at)) at++;
    size_t count = (size_t)(at - whole);
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        while (at < end && is_digit(*at)) at++;
        count += (size_t)(at - fraction);
    }
    if (count == 0) return 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        const char *exponent = at;
        while (at < end && is_digit(*at)) at++;
        if (at == exponent) return 0;
    }
    if (at != end || end - text > 64) return 0;
    char copy[72];
    memcpy(copy, text, (size_t)(end - text));
    copy[end - text] = 0;
    // The process never leaves the C locale.
    *value = strtod(copy, NULL);
    return isfinite(*value);
}
