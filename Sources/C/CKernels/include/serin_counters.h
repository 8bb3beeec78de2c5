// CatBoost's counters, compiled: hashes of categories, and one hash table for each combination.
//
//     row ─► hash of each category ─┬─► place among a one-hot feature's hashes ─────────► y
//                                   └─► key of each combination ─► slot ─► its floats ──► y
//
//     slots:  | key | y y … | key | y y … |      2^bits slots; a key's first place is
//                                                (key × multiplier) >> (64 - bits), then the next ones
//
// Every counter of a combination is a function of the key alone, so the slot holds the finished
// float32 numbers, next to the key: one cache miss a combination.  A key is found within `probes`
// slots or nowhere; the compiler picks a multiplier for which that is few.
#pragma once

#include "serin_image.h"

/// Hashes of a row are kept on the stack.
#define SERIN_COUNTER_CATEGORIES_MAX 4096
#define SERIN_COUNTER_PROBES_MAX 64
/// The key of a slot that is free; no combination has it.
#define SERIN_COUNTER_FREE 0xffffffffffffffffull

typedef struct {
    uint32_t column;
    /// Codes below `hash_count` have their hash at hashes[first_hash + code]; others hash as their digits.
    uint32_t first_hash;
    uint32_t hash_count;
} serin_counter_category;

/// 1 where the value as a float32 is above the border, or missing and `missing_is_above`.
typedef struct {
    uint32_t column;
    float border;
    uint32_t missing_is_above;
} serin_counter_border;

/// 1 where the category has the hash.
typedef struct {
    uint32_t category;
    uint32_t hash;
} serin_counter_equality;

/// Output column i of one-hot i: one_hot_places where one_hot_hashes (ascending from `first` on) has
/// the category's hash, else `count`.
typedef struct {
    uint32_t category;
    uint32_t first;
    uint32_t count;
} serin_counter_one_hot;

/// Its parts follow those of the combination before it.
typedef struct {
    uint32_t category_count;
    uint32_t border_count;
    uint32_t equality_count;
    uint32_t output_count;
    uint32_t bits;
    uint32_t probes;
    uint64_t multiplier;
    /// Words of `slots`; a slot is a key and the floats of its outputs, two a word.
    uint64_t first_word;
} serin_counter_combination;

/// At the beginning of the block; sections are counted from there.
typedef struct {
    serin_section categories;
    /// uint32.
    serin_section hashes;
    serin_section one_hots;
    /// uint32.
    serin_section one_hot_hashes;
    /// float.
    serin_section one_hot_places;
    serin_section combinations;
    /// Indices into `categories` (uint32).
    serin_section elements;
    serin_section borders;
    serin_section equalities;
    /// Output columns of each combination's floats (uint32), and the floats of a key that is not there.
    serin_section outputs;
    serin_section empty;
    /// uint64.
    serin_section slots;
} serin_counters;

/// Rows [rows][columns] of one width to float32 rows [rows][output columns].
void serin_count(
    const serin_counters *counters, const void *x, uint32_t x_width, size_t x_columns, float *y, size_t y_columns,
    size_t rows);

/// CatBoost's hash of a category's code: `hashes` has the first `count`.
uint32_t serin_category_hash(double code, const uint32_t *hashes, size_t count);
