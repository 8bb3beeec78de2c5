// Slot bytes on any machine: the two steps of serin_bytes.h as plain loops over 16 numbers, which
// compilers turn into what vectors the machine has.
#include "bytes.h"

#define DEFINE_PASSED(NAME, NUMBER)                                                           \
    static inline uint32_t NAME(const NUMBER *thresholds, NUMBER value, uint32_t inclusive) { \
        uint32_t above = 0, at = 0;                                                           \
        for (int place = 0; place < 16; place++) {                                            \
            above += value > thresholds[place];                                               \
            at += value == thresholds[place];                                                 \
        }                                                                                     \
        return above + (at & -inclusive);                                                     \
    }

DEFINE_PASSED(passed_float, float)
DEFINE_PASSED(passed_double, double)

#define DEFINE_RANK(NAME, NUMBER, TABLES, PASSED, VALUE)                                                       \
    static void NAME(const serin_forest *forest, const void *values, int kind, uint8_t *ranks) {               \
        (void)kind;                                                                                            \
        const serin_image_header *header = forest->header;                                                     \
        for (size_t c = 0; c < header->byte_columns.count; c++) {                                              \
            const NUMBER *table = forest->TABLES + c * SERIN_BYTE_TABLE;                                       \
            NUMBER value = VALUE;                                                                              \
            uint32_t chunk = PASSED(table, value, header->byte_inclusive);                                     \
            uint32_t rank = chunk;                                                                             \
            if (c < header->byte_two_level)                                                                    \
                rank = 16 * chunk + PASSED(table + 16 + 16 * chunk, value, header->byte_inclusive);            \
            ranks[c] = (uint8_t)rank;                                                                          \
        }                                                                                                      \
    }

DEFINE_RANK(rank_floats, float, byte_floats, passed_float, row_float(values, forest->byte_columns[c], kind))
DEFINE_RANK(rank_doubles, double, byte_doubles, passed_double, ((const double *)values)[forest->byte_columns[c]])

void serin_bytes_scalar(const serin_forest *forest, const serin_row *row, uint8_t *bytes) {
    const int kind = byte_row_kind(forest, row);
    byte_columns columns;
    if (kind == ROW_DOUBLE)
        rank_doubles(forest, row->values, kind, columns.ranks);
    else
        rank_floats(forest, row->values, kind, columns.ranks);
    mark_missing(forest, row->values, kind, &columns);
    spread_columns(forest, &columns, bytes);
}
