// The lane sums of as many vectors as a vector has lanes, at the price of about three vectors' own.
//
//     a0 … a7 | a8 … a15      a0+a8 … a7+a15 | b0+b8 … b7+b15
//     b0 … b7 | b8 … b15  ─►                                    ─► four at a time ─► … ─► Σa Σb Σc …
//
// Each step adds the same pairs as a vector's own sum in halves does (i, i + 8; i, i + 4; …), so the
// bits are the same.
#pragma once

#define SERIN_DEFINE_FOLD_FLOAT(VECTOR)                                                                        \
    SERIN_INLINE VECTOR fold_float(VECTOR *rows) {                                                             \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++) rows[i] = SERIN_FOLD_HALVES_16(          \
            rows[2 * i], rows[2 * i + 1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 8);          \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; i++) rows[i] = SERIN_FOLD_HALVES_16(          \
            rows[2 * i], rows[2 * i + 1], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27, 4);        \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 2; i++) rows[i] = SERIN_FOLD_HALVES_16(          \
            rows[2 * i], rows[2 * i + 1], 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29, 2);        \
        return SERIN_FOLD_HALVES_16(                                                                           \
            rows[0], rows[1], 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 1);                   \
    }

/// The lanes listed of two vectors of 16, plus those D further on.
#define SERIN_FOLD_HALVES_16(X, Y, A, B, C, E, F, G, H, I, J, K, L, M, N, O, P, Q, D)                          \
    __builtin_shufflevector(X, Y, A, B, C, E, F, G, H, I, J, K, L, M, N, O, P, Q)                              \
        + __builtin_shufflevector(                                                                             \
            X, Y, A + D, B + D, C + D, E + D, F + D, G + D, H + D, I + D, J + D, K + D, L + D, M + D, N + D,   \
            O + D, P + D, Q + D)

#define SERIN_DEFINE_FOLD_DOUBLE(VECTOR)                                                                       \
    SERIN_INLINE VECTOR fold_double(VECTOR *rows) {                                                            \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; i++) rows[i] =                               \
            SERIN_FOLD_HALVES_8(rows[2 * i], rows[2 * i + 1], 0, 1, 2, 3, 8, 9, 10, 11, 4);                    \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < 2; i++) rows[i] =                               \
            SERIN_FOLD_HALVES_8(rows[2 * i], rows[2 * i + 1], 0, 1, 4, 5, 8, 9, 12, 13, 2);                    \
        return SERIN_FOLD_HALVES_8(rows[0], rows[1], 0, 2, 4, 6, 8, 10, 12, 14, 1);                            \
    }

/// The same of two vectors of 8.
#define SERIN_FOLD_HALVES_8(X, Y, A, B, C, E, F, G, H, I, D)                                                   \
    __builtin_shufflevector(X, Y, A, B, C, E, F, G, H, I)                                                      \
        + __builtin_shufflevector(X, Y, A + D, B + D, C + D, E + D, F + D, G + D, H + D, I + D)
