// What the files of the program's kernels share.
#pragma once

#include "serin_program.h"
#include "fast_exponential.h"
#include "kernels.h"

SERIN_INLINE size_t number_bytes(uint32_t width) { return width == SERIN_FLOAT32 ? 4 : 8; }

/// Applies an activation to [rows][columns] in place, with the kernels that run everywhere.
void serin_activate_float(uint32_t activation, float *y, size_t rows, size_t columns);
void serin_activate_double(uint32_t activation, double *y, size_t rows, size_t columns);
