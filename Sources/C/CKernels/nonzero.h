// What is not 0 of a row, one number after the other and without a branch.
#include "program.h"

#define SERIN_DEFINE_NONZERO(NAME, NUMBER)                                                                     \
    /* The count; `places` has room for all. */                                                                \
    SERIN_INLINE size_t NAME(const NUMBER *x, size_t count, uint16_t *places) {                                \
        size_t found = 0;                                                                                      \
        for (size_t i = 0; i < count; i++) {                                                                   \
            places[found] = (uint16_t)i;                                                                       \
            found += x[i] != 0;                                                                                \
        }                                                                                                      \
        return found;                                                                                          \
    }

/// The same with the numbers; places are where the weights of a panel are: 256 bytes an input.
#define SERIN_DEFINE_LIST(NAME, NUMBER)                                                                        \
    SERIN_INLINE size_t NAME(const NUMBER *x, size_t count, NUMBER *values, uint16_t *places) {                \
        size_t found = 0;                                                                                      \
        for (size_t i = 0; i < count; i++) {                                                                   \
            values[found] = x[i];                                                                              \
            places[found] = (uint16_t)(i << 8);                                                                \
            found += x[i] != 0;                                                                                \
        }                                                                                                      \
        return found;                                                                                          \
    }

/// Four numbers, and the K-th of them in all lanes: broadcasting from memory costs no more than a load.
typedef const float *four_float;
typedef const double *four_double;
#define load_four_float(X) (X)
#define load_four_double(X) (X)
#define spread_float(FOUR, K) (vector_float)(FOUR)[K]
#define spread_double(FOUR, K) (vector_double)(FOUR)[K]
