// CatBoost's counters, compiled: classes of categories, and a table for each combination.
//
//     row ─┬─► hash and class of each category ─┬─► one-hot place of the class ──────────────► y
//          │                                    ├─► dense[class][answers] ───────────────────► y
//          └─► answers: borders, equalities ────┴─► key ─► slot of a hash table ─► its floats ► y
//
// A category's *class* is its number among the hashes that the tables know; all others are one class
// more.  A combination of one category and a few answers is a plain array over both: CatBoost's key of
// such a pair is a product that can be undone, so the compiler knows which pairs have a key, and a row
// needs no key at all.  (350 of 360 combinations of a model with six categories are such, and 13 MB of
// slots became 1 MB of arrays.)  Other combinations are looked up by their 64-bit key:
//
//     slots:  | key | y y … | key | y y … |      2^bits slots; a key's first place is
//                                                (key × multiplier) >> (64 - bits), then the next ones
//
// Every counter of a combination is a function of its key alone, so tables hold finished float32 numbers.
// A key is found within `probes` slots or nowhere; the compiler picks a multiplier that makes it few.
#pragma once

#include "serin_image.h"

/// Hashes, classes and answers of a row are kept on the stack.
#define SERIN_COUNTER_CATEGORIES_MAX 2048
#define SERIN_COUNTER_ANSWERS_MAX 16384
/// Answers of a dense combination.
#define SERIN_COUNTER_DENSE_ANSWERS_MAX 6
#define SERIN_COUNTER_PROBES_MAX 64
/// The key of a slot that is free; no combination has it.
#define SERIN_COUNTER_FREE 0xffffffffffffffffull

typedef struct {
    uint32_t column;
    /// Codes below `code_count` have hash and class at hashes and classes[first_code + code]; others hash
    /// as their digits and have their class in class_slots.
    uint32_t first_code;
    uint32_t code_count;
    /// Also the class of hashes that are not known.
    uint32_t class_count;
    /// 2^bits slots from first_slot on; a hash's first place is (hash × multiplier) >> (32 - bits).
    uint32_t first_slot;
    uint32_t bits;
    uint32_t probes;
    uint32_t multiplier;
} serin_counter_category;

/// `number` is the class, or class_count where the slot is free.
typedef struct {
    uint32_t hash;
    uint32_t number;
} serin_counter_class;

/// 1 where the value as a float32 is above the border, or missing and `missing_is_above`.
typedef struct {
    uint32_t column;
    float border;
    uint32_t missing_is_above;
} serin_counter_border;

/// 1 where the category has the hash.  The answers of equalities stand behind those of borders.
typedef struct {
    uint32_t category;
    uint32_t hash;
} serin_counter_equality;

/// Output column i of one-hot i: one_hot_places[first_place + class].
typedef struct {
    uint32_t category;
    uint32_t first_place;
} serin_counter_one_hot;

/// Output o: dense[first_float + ((class << answer_count) + answers) × output_count + o], the first
/// answer in the lowest bit.  Its answers and outputs follow those of the combination before it.
typedef struct {
    uint32_t category;
    uint32_t answer_count;
    uint32_t output_count;
    uint32_t reserved;
    uint64_t first_float;
} serin_counter_dense;

/// Its elements, answers and outputs follow those of the combination before it, the first's answers and
/// outputs those of the dense ones.
typedef struct {
    uint32_t category_count;
    uint32_t answer_count;
    uint32_t output_count;
    uint32_t bits;
    uint32_t probes;
    uint32_t reserved;
    uint64_t multiplier;
    /// Words of `slots`; a slot is a key and the floats of its outputs, two a word.
    uint64_t first_word;
} serin_counter_hashed;

/// At the beginning of the block; sections are counted from there.
typedef struct {
    serin_section categories;
    /// uint32, and as many classes (uint32).
    serin_section hashes;
    serin_section classes;
    serin_section class_slots;
    serin_section borders;
    serin_section equalities;
    serin_section one_hots;
    /// float.
    serin_section one_hot_places;
    serin_section dense;
    /// float.
    serin_section dense_floats;
    serin_section hashed;
    /// Indices into `categories` (uint32).
    serin_section elements;
    /// Of all combinations, dense ones first: indices of answers (uint32), output columns (uint32).
    serin_section answers;
    serin_section outputs;
    /// The floats of a key that no hashed combination has, in the order of its outputs.
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
