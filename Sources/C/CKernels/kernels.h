// What the kernels' files share.
#pragma once

#include "serin_kernels.h"

#define SERIN_INLINE static inline __attribute__((always_inline))

void serin_rank_scalar(const serin_forest *forest, const serin_row *row, uint16_t *ranks);
void serin_walk_scalar(const serin_forest *forest, const uint16_t *ranks, size_t rows, void *sums);
void serin_bytes_scalar(const serin_forest *forest, const serin_row *row, uint8_t *bytes);
void serin_bytes_avx2(const serin_forest *forest, const serin_row *row, uint8_t *bytes);
void serin_bytes_avx512(const serin_forest *forest, const serin_row *row, uint8_t *bytes);
