#include "serin_json.h"
