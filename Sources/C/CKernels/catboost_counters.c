// The stage of CatBoost's counters: see serin_counters.h.
//
// Keys of up to 64 combinations are computed and their slots asked for before the first is looked at,
// so that the cache misses of large tables overlap.
#include "kernels.h"
#include "serin_counters.h"

#include <string.h>

#define BATCH 64

/// The block's sections as pointers.
typedef struct {
    const serin_counter_category *categories;
    size_t category_count;
    const uint32_t *hashes;
    const serin_counter_one_hot *one_hots;
    size_t one_hot_count;
    const uint32_t *one_hot_hashes;
    const float *one_hot_places;
    const serin_counter_combination *combinations;
    size_t combination_count;
    const uint32_t *elements;
    const serin_counter_border *borders;
    const serin_counter_equality *equalities;
    const uint32_t *outputs;
    const float *empty;
    const uint64_t *slots;
} view;

static view view_of(const serin_counters *counters) {
    const uint8_t *start = (const uint8_t *)counters;
#define AT(SECTION) (const void *)(start + counters->SECTION.offset)
    return (view){
        .categories = AT(categories),
        .category_count = counters->categories.count,
        .hashes = AT(hashes),
        .one_hots = AT(one_hots),
        .one_hot_count = counters->one_hots.count,
        .one_hot_hashes = AT(one_hot_hashes),
        .one_hot_places = AT(one_hot_places),
        .combinations = AT(combinations),
        .combination_count = counters->combinations.count,
        .elements = AT(elements),
        .borders = AT(borders),
        .equalities = AT(equalities),
        .outputs = AT(outputs),
        .empty = AT(empty),
        .slots = AT(slots),
    };
#undef AT
}

SERIN_INLINE double number(const void *row, uint32_t width, uint32_t column) {
    return width == SERIN_FLOAT32 ? (double)((const float *)row)[column] : ((const double *)row)[column];
}

/// CatBoost's step of a key.
SERIN_INLINE uint64_t combine(uint64_t key, uint64_t element) {
    const uint64_t factor = 0x4906ba494954cb65ull;
    return factor * (key + factor * element);
}

/// Steps over the combination's elements, borders and equalities.
SERIN_INLINE uint64_t key_of(
    view *rest, const serin_counter_combination *combination, const void *row, uint32_t width, const uint32_t *hashes) {
    uint64_t key = 0;
    for (uint32_t i = 0; i < combination->category_count; i++)
        key = combine(key, (uint64_t)(int64_t)(int32_t)hashes[*rest->elements++]);
    for (uint32_t i = 0; i < combination->border_count; i++, rest->borders++) {
        const float value = (float)number(row, width, rest->borders->column);
        const int is_above = value != value ? rest->borders->missing_is_above != 0 : value > rest->borders->border;
        key = combine(key, (uint64_t)is_above);
    }
    for (uint32_t i = 0; i < combination->equality_count; i++, rest->equalities++)
        key = combine(key, hashes[rest->equalities->category] == rest->equalities->hash);
    return key;
}

SERIN_INLINE uint64_t first_slot(const serin_counter_combination *combination, uint64_t key) {
    return key * combination->multiplier >> (64 - combination->bits);
}

SERIN_INLINE size_t slot_words(const serin_counter_combination *combination) {
    return 1 + (combination->output_count + 1) / 2;
}

/// The slot's floats; null: the key is not there.
SERIN_INLINE const uint64_t *find(
    const uint64_t *slots, const serin_counter_combination *combination, uint64_t key) {
    const uint64_t mask = ((uint64_t)1 << combination->bits) - 1;
    const size_t words = slot_words(combination);
    uint64_t slot = first_slot(combination, key);
    for (uint32_t probe = 0; probe < combination->probes; probe++) {
        const uint64_t *place = slots + combination->first_word + slot * words;
        if (*place == SERIN_COUNTER_FREE) return NULL;
        if (*place == key) return place + 1;
        slot = (slot + 1) & mask;
    }
    return NULL;
}

static float one_hot_place(const view *counters, const serin_counter_one_hot *one_hot, uint32_t hash) {
    const uint32_t *hashes = counters->one_hot_hashes + one_hot->first;
    uint32_t first = 0, count = one_hot->count;
    while (count > 0) {
        const uint32_t half = count / 2;
        const int right = hashes[first + half] < hash;
        first = right ? first + half + 1 : first;
        count = right ? count - half - 1 : half;
    }
    if (first == one_hot->count || hashes[first] != hash) return (float)one_hot->count;
    return counters->one_hot_places[one_hot->first + first];
}

static void count_row(const view *counters, const void *row, uint32_t width, float *y) {
    uint32_t hashes[SERIN_COUNTER_CATEGORIES_MAX];
    for (size_t i = 0; i < counters->category_count; i++) {
        const serin_counter_category *category = counters->categories + i;
        hashes[i] = serin_category_hash(
            number(row, width, category->column), counters->hashes + category->first_hash, category->hash_count);
    }
    for (size_t i = 0; i < counters->one_hot_count; i++)
        y[i] = one_hot_place(counters, counters->one_hots + i, hashes[counters->one_hots[i].category]);
    view rest = *counters;
    for (size_t first = 0; first < counters->combination_count; first += BATCH) {
        const serin_counter_combination *batch = counters->combinations + first;
        const size_t left = counters->combination_count - first;
        const size_t count = left < BATCH ? left : BATCH;
        uint64_t keys[BATCH];
        for (size_t i = 0; i < count; i++) {
            keys[i] = key_of(&rest, batch + i, row, width, hashes);
            __builtin_prefetch(
                counters->slots + batch[i].first_word + first_slot(batch + i, keys[i]) * slot_words(batch + i));
        }
        for (size_t i = 0; i < count; i++) {
            const uint32_t outputs = batch[i].output_count;
            const uint64_t *found = find(counters->slots, batch + i, keys[i]);
            const uint8_t *values = found ? (const uint8_t *)found : (const uint8_t *)rest.empty;
            for (uint32_t output = 0; output < outputs; output++)
                memcpy(y + rest.outputs[output], values + 4 * output, 4);
            rest.outputs += outputs;
            rest.empty += outputs;
        }
    }
}

void serin_count(
    const serin_counters *counters, const void *x, uint32_t x_width, size_t x_columns, float *y, size_t y_columns,
    size_t rows) {
    const view sections = view_of(counters);
    const size_t stride = x_columns * (x_width == SERIN_FLOAT32 ? 4 : 8);
    for (size_t row = 0; row < rows; row++)
        count_row(&sections, (const uint8_t *)x + row * stride, x_width, y + row * y_columns);
}
