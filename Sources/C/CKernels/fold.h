// The lane sums of as many vectors as a vector has lanes, four of them at a time.
//
//     a0 … a7 | a8 … a15      a0+a8 … a7+a15 | b8+b0 … b15+b7
//     b0 … b7 | b8 … b15  ─►                                    ─► … ─► Σa Σc Σb Σd …
//
// Each step adds the same pairs as a vector's own sum in halves does (i, i + 8; i, i + 4; …), so the
// bits are the same.  One of its two operands keeps its lanes where they are, which every unit of the
// processor can do; the other's lanes change places within as small a part of the vector as there is.
#pragma once

/// Lanes of X and Y (those from the vector's length on) where they are, plus those that belong to them.
#define SERIN_FOLD(X, Y, KEPT, MOVED)                                                                          \
    (__builtin_shufflevector(X, Y, SERIN_LANES KEPT) + __builtin_shufflevector(X, Y, SERIN_LANES MOVED))
#define SERIN_LANES(...) __VA_ARGS__

#define SERIN_DEFINE_FOLD_FLOAT(VECTOR)                                                                        \
    SERIN_INLINE VECTOR fold_halves_float(VECTOR a, VECTOR b) {                                                \
        return SERIN_FOLD(                                                                                     \
            a, b, (0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31),                                    \
            (8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23));                                   \
    }                                                                                                          \
    SERIN_INLINE VECTOR fold_quarters_float(VECTOR a, VECTOR b) {                                              \
        return SERIN_FOLD(                                                                                     \
            a, b, (0, 1, 2, 3, 20, 21, 22, 23, 8, 9, 10, 11, 28, 29, 30, 31),                                  \
            (4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15, 24, 25, 26, 27));                                     \
    }                                                                                                          \
    SERIN_INLINE VECTOR fold_pairs_float(VECTOR a, VECTOR b) {                                                 \
        return SERIN_FOLD(                                                                                     \
            a, b, (0, 1, 18, 19, 4, 5, 22, 23, 8, 9, 26, 27, 12, 13, 30, 31),                                  \
            (2, 3, 16, 17, 6, 7, 20, 21, 10, 11, 24, 25, 14, 15, 28, 29));                                     \
    }                                                                                                          \
    SERIN_INLINE VECTOR fold_lanes_float(VECTOR a, VECTOR b) {                                                 \
        return SERIN_FOLD(                                                                                     \
            a, b, (0, 17, 2, 19, 4, 21, 6, 23, 8, 25, 10, 27, 12, 29, 14, 31),                                 \
            (1, 16, 3, 18, 5, 20, 7, 22, 9, 24, 11, 26, 13, 28, 15, 30));                                      \
    }                                                                                                          \
    /** Four vectors' sums, four lanes each. */                                                                \
    SERIN_INLINE VECTOR fold_four_float(const VECTOR *sums) {                                                  \
        return fold_quarters_float(fold_halves_float(sums[0], sums[1]), fold_halves_float(sums[2], sums[3]));  \
    }                                                                                                          \
    /** All of them, of four such. */                                                                          \
    SERIN_INLINE VECTOR fold_rest_float(const VECTOR *fours) {                                                 \
        const VECTOR all = fold_lanes_float(fold_pairs_float(fours[0], fours[1]), fold_pairs_float(fours[2], fours[3])); \
        return __builtin_shufflevector(all, all, 0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15);        \
    }

#define SERIN_DEFINE_FOLD_DOUBLE(VECTOR)                                                                       \
    SERIN_INLINE VECTOR fold_halves_double(VECTOR a, VECTOR b) {                                               \
        return SERIN_FOLD(a, b, (0, 1, 2, 3, 12, 13, 14, 15), (4, 5, 6, 7, 8, 9, 10, 11));                     \
    }                                                                                                          \
    SERIN_INLINE VECTOR fold_pairs_double(VECTOR a, VECTOR b) {                                                \
        return SERIN_FOLD(a, b, (0, 1, 10, 11, 4, 5, 14, 15), (2, 3, 8, 9, 6, 7, 12, 13));                     \
    }                                                                                                          \
    SERIN_INLINE VECTOR fold_lanes_double(VECTOR a, VECTOR b) {                                                \
        return SERIN_FOLD(a, b, (0, 9, 2, 11, 4, 13, 6, 15), (1, 8, 3, 10, 5, 12, 7, 14));                     \
    }                                                                                                          \
    SERIN_INLINE VECTOR fold_four_double(const VECTOR *sums) {                                                 \
        return fold_pairs_double(fold_halves_double(sums[0], sums[1]), fold_halves_double(sums[2], sums[3]));  \
    }                                                                                                          \
    SERIN_INLINE VECTOR fold_rest_double(const VECTOR *fours) {                                                \
        const VECTOR all = fold_lanes_double(fours[0], fours[1]);                                              \
        return __builtin_shufflevector(all, all, 0, 4, 2, 6, 1, 5, 3, 7);                                      \
    }
