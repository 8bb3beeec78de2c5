// Ranks: from a row's values to one uint16 a slot.
//
//     value ──key──► integer in the same order ──search──► thresholds passed
//
// A slot's thresholds are a complete search tree in breadth-first order (Eytzinger's layout):
//
//     index 1            one step:  i = 2i + (key > table[i])
//     2       3          after `levels` steps i - 2^levels is the rank
//     4   5   6   7
//
// A step is a load, a compare and an add with carry; four searches of the same length run side by
// side, so the loads overlap.  Unused places hold the largest key, which nothing passes.
#include "kernels.h"
#include "step.h"

#include <math.h>
#include <string.h>

typedef uint16_t ranks8 __attribute__((vector_size(16)));

/// A number's bits as an unsigned integer of the same order; -0 equals 0.
static inline uint32_t key32(float value) {
    float plain = value + 0.0f;
    int32_t bits;
    memcpy(&bits, &plain, sizeof bits);
    return (uint32_t)bits ^ ((uint32_t)(bits >> 31) | 0x80000000u);
}

static inline uint64_t key64(double value) {
    double plain = value + 0.0;
    int64_t bits;
    memcpy(&bits, &plain, sizeof bits);
    return (uint64_t)bits ^ ((uint64_t)(bits >> 63) | 0x8000000000000000ull);
}

/// Spreads a row of bits to ranks 0 and 65,535.
static inline void expand(const uint16_t *words, uint32_t count, uint16_t *ranks) {
    const ranks8 low = {1, 2, 4, 8, 16, 32, 64, 128};
    const ranks8 high = {256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    for (uint32_t index = 0; index < count; index++) {
        ranks8 word = (ranks8){} + words[index];
        ranks8 first = (ranks8)((word & low) == low);
        ranks8 second = (ranks8)((word & high) == high);
        memcpy(ranks + 16 * index, &first, sizeof first);
        memcpy(ranks + 16 * index + 8, &second, sizeof second);
    }
}

// The four combinations of a row's and a key's width.  A double row of a float32 model is rounded
// first, as its trainer would; a float row of a float64 model is widened, exactly.
#define DEFINE_RANK(NAME, ROW, VALUE, KEY, KEY_OF, STEP)                                                       \
    static void NAME(const serin_forest *forest, const ROW *row, uint16_t *ranks) {                            \
        const KEY *keys = forest->keys;                                                                        \
        const serin_quad *quads = forest->quads;                                                               \
        size_t quad_count = forest->header->quads.count;                                                       \
        for (size_t q = 0; q < quad_count; q++) {                                                              \
            const serin_quad *quad = quads + q;                                                                \
            const KEY *table[4];                                                                               \
            KEY key[4];                                                                                        \
            size_t place[4] = {1, 1, 1, 1};                                                                    \
            for (int lane = 0; lane < 4; lane++) {                                                             \
                const serin_slot *slot = quad->slots + lane;                                                   \
                VALUE value = (VALUE)row[slot->feature];                                                       \
                KEY missing = -(KEY) !(MAGNITUDE(value) > (VALUE)slot->missing_band);                          \
                table[lane] = keys + slot->table;                                                              \
                key[lane] = (KEY_OF(value) & ~missing) | ((KEY)slot->missing_key & missing);                   \
            }                                                                                                  \
            for (uint32_t level = quad->levels; level > 0; level--)                                            \
                for (int lane = 0; lane < 4; lane++)                                                           \
                    place[lane] = STEP(place[lane], key[lane], table[lane] + place[lane]);                     \
            for (int lane = 0; lane < 4; lane++)                                                               \
                ranks[4 * q + lane] = (uint16_t)(place[lane] - ((size_t)1 << quad->levels));                   \
        }                                                                                                      \
        size_t column_count = forest->header->category_columns.count;                                          \
        for (size_t c = 0; c < column_count; c++) {                                                            \
            const serin_category_column *column = forest->category_columns + c;                                \
            uint32_t chosen = serin_category_row(forest, column, (double)(VALUE)row[column->feature]);               \
            const uint16_t *words = forest->category_rows + column->rows;                                      \
            expand(words + (size_t)chosen * column->word_count, column->word_count, ranks + column->first_slot); \
        }                                                                                                      \
    }

#define MAGNITUDE fabsf
DEFINE_RANK(rank_float_as_float, float, float, uint32_t, key32, step_key32)
DEFINE_RANK(rank_double_as_float, double, float, uint32_t, key32, step_key32)
#undef MAGNITUDE
#define MAGNITUDE fabs
DEFINE_RANK(rank_float_as_double, float, double, uint64_t, key64, step_key64)
DEFINE_RANK(rank_double_as_double, double, double, uint64_t, key64, step_key64)

/// The row itself, for the functions of linear leaves; to LightGBM, what counts as 0 is 0 there too.
static void keep_values(const serin_forest *forest, const serin_row *row, double *values) {
    for (uint32_t feature = 0; feature < forest->header->feature_count; feature++) {
        double value = row->value_width == SERIN_FLOAT32 ? (double)((const float *)row->values)[feature]
                                                         : ((const double *)row->values)[feature];
        values[feature] = fabs(value) <= forest->header->zero_band ? 0 : value;
    }
}

void serin_rank_scalar(const serin_forest *forest, const serin_row *row, uint8_t *state) {
    uint16_t *ranks = (uint16_t *)(state + forest->ranks_at);
    if (forest->header->linear_of.count > 0) keep_values(forest, row, (double *)(state + forest->values_at));
    if (forest->header->value_width == SERIN_FLOAT32) {
        if (row->value_width == SERIN_FLOAT32)
            rank_float_as_float(forest, row->values, ranks);
        else
            rank_double_as_float(forest, row->values, ranks);
    } else {
        if (row->value_width == SERIN_FLOAT32)
            rank_float_as_double(forest, row->values, ranks);
        else
            rank_double_as_double(forest, row->values, ranks);
    }
}
