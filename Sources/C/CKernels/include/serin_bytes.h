// Byte slots: a row's answers to everything a forest may ask, a byte each, in one to four registers.
//
//     value ──► 16 pivots ──► 16 thresholds ──► rank of a column ──► bytes of its slots
//
// A *column* is a feature and up to 255 of its sorted, distinct thresholds; its rank is how many of
// them the value has passed.  A feature with more thresholds has several columns.  A *slot* is a
// column together with the way its missing values go; its byte is the column's rank or, where the
// value is missing, the byte that decides every question of the slot: 0 (left), 255 (right), or the
// rank of 0.  So every threshold split of the forest is
//
//     right where bytes[slot] > rank          0 ≤ rank ≤ 254
//
// without a branch for missing values, for `<` or `<=`, or for float or double.  Trained models of
// 32 features have about 40 slots: one 64-byte register.
//
// A column's table is SERIN_BYTE_TABLE numbers: 16 pivots, then 256 thresholds; pivot j is threshold
// 16j + 15.  Both steps are one compare of a register with the value and a popcount.  Unused places
// hold NaN, which no value passes; the last place is never used, so a rank fits a byte.  A column of
// at most 16 thresholds behind `two_level_columns` needs only the first step: its pivots are its
// thresholds.
//
// Float rows of a float64 forest have their own tables, of the thresholds rounded such that no float
// changes sides.  A row of 32 values takes 78 to 104 ns with float tables, 119 to 133 with double.
//
// To use it: `forest->header->byte_slot_count` is 64, 128 or 256 (0: the forest does not fit), and
// `serin_bytes(forest, row, bytes)` fills that many bytes; `bytes` is 64-byte aligned.  Category
// splits are not in here.  In Swift ByteSlots.question(node) gives a node's slot and rank.
#pragma once

#include "serin_image.h"

/// Numbers of a column's table: 16 pivots and 256 thresholds.
#define SERIN_BYTE_TABLE 272
/// The most slots there can be.
#define SERIN_BYTE_SLOTS_MAX 256

struct serin_forest;
struct serin_row;

/// The slot bytes of one row, by the fastest code that this processor and `serin_kernels_limit` allow.
void serin_bytes(const struct serin_forest *forest, const struct serin_row *row, uint8_t *bytes);
