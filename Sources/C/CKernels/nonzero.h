// The places of a row's numbers that are not 0, one number after the other and without a branch.
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
