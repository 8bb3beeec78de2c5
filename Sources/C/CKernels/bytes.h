// What the byte kernels of every instruction set share: which numbers are compared, and the slots'
// bytes from the columns' (see serin_bytes.h).
#pragma once

#include "kernels.h"

/// Float row or rounded to float, float tables.  A double row of a float32 forest is rounded first,
/// as its trainer would.
enum { ROW_FLOAT = 0, ROW_ROUNDED = 1, ROW_DOUBLE = 2 };

SERIN_INLINE int byte_row_kind(const serin_forest *forest, const serin_row *row) {
    if (row->value_width == SERIN_FLOAT32) return ROW_FLOAT;
    return forest->header->value_width == SERIN_FLOAT32 ? ROW_ROUNDED : ROW_DOUBLE;
}

SERIN_INLINE float row_float(const void *values, uint32_t feature, int kind) {
    return kind == ROW_FLOAT ? ((const float *)values)[feature] : (float)((const double *)values)[feature];
}

/// For each column: its rank, 255 where the value is no number, and 255 where it counts as zero or
/// is no number.
typedef struct {
    uint8_t ranks[SERIN_BYTE_SLOTS_MAX] __attribute__((aligned(64)));
    uint8_t missing[SERIN_BYTE_SLOTS_MAX];
    uint8_t banded[SERIN_BYTE_SLOTS_MAX];
} byte_columns;

SERIN_INLINE void mark_missing(const serin_forest *forest, const void *values, int kind, byte_columns *columns) {
    const size_t count = forest->header->byte_columns.count;
    const uint32_t *features = forest->byte_columns;
    for (size_t c = 0; c < count; c++) {
        double value =
            kind == ROW_DOUBLE ? ((const double *)values)[features[c]] : (double)row_float(values, features[c], kind);
        columns->missing[c] = (uint8_t)-(value != value);
        columns->banded[c] = (uint8_t)-!(__builtin_fabs(value) > forest->header->zero_band);
    }
}

/// Columns to slots, a byte at a time.
SERIN_INLINE void spread_columns(const serin_forest *forest, const byte_columns *columns, uint8_t *bytes) {
    const size_t count = forest->header->byte_slot_count;
    const uint8_t *column = forest->byte_slots, *missing = column + 2 * count, *banded = column + 3 * count;
    for (size_t slot = 0; slot < count; slot++) {
        uint8_t own = column[slot];
        uint8_t decided = columns->missing[own] | (columns->banded[own] & banded[slot]);
        bytes[slot] = (uint8_t)((columns->ranks[own] & ~decided) | (missing[slot] & decided));
    }
}
