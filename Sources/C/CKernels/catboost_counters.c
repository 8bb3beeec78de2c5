// The stage of CatBoost's counters: see serin_counters.h.
//
// Keys of up to 64 hashed combinations are computed and their slots asked for before the first is looked
// at, so that the cache misses of large tables overlap.
#include "kernels.h"
#include "serin_counters.h"

#include <string.h>

#define BATCH 64

/// The block's sections as pointers.
typedef struct {
    const serin_counters *block;
    const serin_counter_category *categories;
    const uint32_t *hashes;
    const uint32_t *classes;
    const serin_counter_class *class_slots;
    const serin_counter_border *borders;
    const serin_counter_equality *equalities;
    const serin_counter_one_hot *one_hots;
    const float *one_hot_places;
    const serin_counter_dense *dense;
    const float *dense_floats;
    const serin_counter_hashed *hashed;
    const uint32_t *elements;
    const uint32_t *answers;
    const uint32_t *outputs;
    const float *empty;
    const uint64_t *slots;
} view;

/// What a row is asked once.
typedef struct {
    uint32_t hashes[SERIN_COUNTER_CATEGORIES_MAX];
    uint32_t classes[SERIN_COUNTER_CATEGORIES_MAX];
    uint8_t answers[SERIN_COUNTER_ANSWERS_MAX];
} facts;

static view view_of(const serin_counters *counters) {
    const uint8_t *start = (const uint8_t *)counters;
#define AT(SECTION) (const void *)(start + counters->SECTION.offset)
    return (view){
        .block = counters,
        .categories = AT(categories),
        .hashes = AT(hashes),
        .classes = AT(classes),
        .class_slots = AT(class_slots),
        .borders = AT(borders),
        .equalities = AT(equalities),
        .one_hots = AT(one_hots),
        .one_hot_places = AT(one_hot_places),
        .dense = AT(dense),
        .dense_floats = AT(dense_floats),
        .hashed = AT(hashed),
        .elements = AT(elements),
        .answers = AT(answers),
        .outputs = AT(outputs),
        .empty = AT(empty),
        .slots = AT(slots),
    };
#undef AT
}

SERIN_INLINE double number(const void *row, uint32_t width, uint32_t column) {
    return width == SERIN_FLOAT32 ? (double)((const float *)row)[column] : ((const double *)row)[column];
}

static uint32_t class_of(const view *counters, const serin_counter_category *category, uint32_t hash) {
    const uint32_t mask = ((uint32_t)1 << category->bits) - 1;
    uint32_t slot = hash * category->multiplier >> (32 - category->bits);
    for (uint32_t probe = 0; probe < category->probes; probe++) {
        const serin_counter_class *place = counters->class_slots + category->first_slot + slot;
        if (place->number == category->class_count || place->hash == hash) return place->number;
        slot = (slot + 1) & mask;
    }
    return category->class_count;
}

static void ask(const view *counters, const void *row, uint32_t width, facts *facts) {
    const size_t categories = counters->block->categories.count;
    for (size_t i = 0; i < categories; i++) {
        const serin_counter_category *category = counters->categories + i;
        const double code = number(row, width, category->column);
        if (code > -1 && code < (double)category->code_count) {
            const size_t place = category->first_code + (size_t)code;
            facts->hashes[i] = counters->hashes[place];
            facts->classes[i] = counters->classes[place];
        } else {
            facts->hashes[i] = serin_category_hash(code, NULL, 0);
            facts->classes[i] = class_of(counters, category, facts->hashes[i]);
        }
    }
    const size_t borders = counters->block->borders.count;
    for (size_t i = 0; i < borders; i++) {
        const serin_counter_border *border = counters->borders + i;
        const float value = (float)number(row, width, border->column);
        facts->answers[i] = (value > border->border) | ((value != value) & (border->missing_is_above != 0));
    }
    const size_t equalities = counters->block->equalities.count;
    for (size_t i = 0; i < equalities; i++)
        facts->answers[borders + i] =
            facts->hashes[counters->equalities[i].category] == counters->equalities[i].hash;
}

/// Steps over the combinations' answers and outputs.
SERIN_INLINE void look_up_dense(view *rest, const facts *facts, float *y) {
    const size_t count = rest->block->dense.count;
    const uint32_t *answers = rest->answers, *outputs = rest->outputs;
    for (size_t i = 0; i < count; i++) {
        const serin_counter_dense *dense = rest->dense + i;
        uint32_t bits = 0;
        for (uint32_t answer = 0; answer < dense->answer_count; answer++)
            bits |= (uint32_t)facts->answers[answers[answer]] << answer;
        const size_t place = ((size_t)facts->classes[dense->category] << dense->answer_count) + bits;
        const float *values = rest->dense_floats + dense->first_float + place * dense->output_count;
        for (uint32_t output = 0; output < dense->output_count; output++) y[outputs[output]] = values[output];
        answers += dense->answer_count;
        outputs += dense->output_count;
    }
    rest->answers = answers;
    rest->outputs = outputs;
}

/// CatBoost's step of a key.
SERIN_INLINE uint64_t combine(uint64_t key, uint64_t element) {
    const uint64_t factor = 0x4906ba494954cb65ull;
    return factor * (key + factor * element);
}

/// Steps over the combination's elements and answers.
SERIN_INLINE uint64_t key_of(view *rest, const serin_counter_hashed *combination, const facts *facts) {
    uint64_t key = 0;
    for (uint32_t i = 0; i < combination->category_count; i++)
        key = combine(key, (uint64_t)(int64_t)(int32_t)facts->hashes[*rest->elements++]);
    for (uint32_t i = 0; i < combination->answer_count; i++) key = combine(key, facts->answers[*rest->answers++]);
    return key;
}

SERIN_INLINE uint64_t first_slot(const serin_counter_hashed *combination, uint64_t key) {
    return key * combination->multiplier >> (64 - combination->bits);
}

SERIN_INLINE size_t slot_words(const serin_counter_hashed *combination) {
    return 1 + (combination->output_count + 1) / 2;
}

/// The slot's floats; null: the key is not there.
SERIN_INLINE const uint64_t *find(const uint64_t *slots, const serin_counter_hashed *combination, uint64_t key) {
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

static void look_up_hashed(view *rest, const facts *facts, float *y) {
    const size_t all = rest->block->hashed.count;
    for (size_t first = 0; first < all; first += BATCH) {
        const serin_counter_hashed *batch = rest->hashed + first;
        const size_t count = all - first < BATCH ? all - first : BATCH;
        uint64_t keys[BATCH];
        for (size_t i = 0; i < count; i++) {
            keys[i] = key_of(rest, batch + i, facts);
            __builtin_prefetch(
                rest->slots + batch[i].first_word + first_slot(batch + i, keys[i]) * slot_words(batch + i));
        }
        for (size_t i = 0; i < count; i++) {
            const uint32_t outputs = batch[i].output_count;
            const uint64_t *found = find(rest->slots, batch + i, keys[i]);
            const uint8_t *values = found ? (const uint8_t *)found : (const uint8_t *)rest->empty;
            for (uint32_t output = 0; output < outputs; output++)
                memcpy(y + rest->outputs[output], values + 4 * output, 4);
            rest->outputs += outputs;
            rest->empty += outputs;
        }
    }
}

void serin_count(
    const serin_counters *counters, const void *x, uint32_t x_width, size_t x_columns, float *y, size_t y_columns,
    size_t rows) {
    const view sections = view_of(counters);
    const size_t stride = x_columns * (x_width == SERIN_FLOAT32 ? 4 : 8);
    facts facts;
    for (size_t row = 0; row < rows; row++, y += y_columns) {
        ask(&sections, (const uint8_t *)x + row * stride, x_width, &facts);
        for (size_t i = 0; i < counters->one_hots.count; i++) {
            const serin_counter_one_hot *one_hot = sections.one_hots + i;
            y[i] = sections.one_hot_places[one_hot->first_place + facts.classes[one_hot->category]];
        }
        view rest = sections;
        look_up_dense(&rest, &facts, y);
        look_up_hashed(&rest, &facts, y);
    }
}
