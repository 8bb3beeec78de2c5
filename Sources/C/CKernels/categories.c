// Category splits as decision words: the answers of every such node, in the order of the kernel's
// lanes, looked up by code.
//
//     category of feature f ──► its row of words ─┐
//     category of feature g ──► its row of words ─┴─ or ──► the row's words, one a register of nodes
//
// A lane that asks for a category has a rank which no byte exceeds, and bit i of its register's word
// decides instead.  So a set costs nothing in the walk, however many members it has; codes with the
// same answers share a row.
#include "kernels.h"

#include <string.h>

static double value_of(const serin_forest *forest, const serin_row *row, uint32_t feature) {
    if (row->value_width == SERIN_FLOAT32) return (double)((const float *)row->values)[feature];
    double value = ((const double *)row->values)[feature];
    return forest->header->value_width == SERIN_FLOAT32 ? (double)(float)value : value;
}

void serin_decide_categories(const serin_forest *forest, const serin_row *row, uint8_t *state) {
    const size_t words = forest->header->decision_words;
    uint64_t *decisions = (uint64_t *)(state + forest->decisions_at);
    const uint64_t *rows = forest->decision_rows;
    for (uint64_t c = 0; c < forest->header->category_columns.count; c++) {
        const serin_category_column *column = forest->category_columns + c;
        const uint64_t *own =
            rows + words * serin_category_row(forest, column, value_of(forest, row, column->feature));
        if (c == 0) {
            memcpy(decisions, own, words * 8);
        } else {
            for (size_t word = 0; word < words; word++) decisions[word] |= own[word];
        }
        rows += words * column->row_count;
    }
}
