#include "serin_kernels.h"
