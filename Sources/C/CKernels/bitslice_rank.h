// All columns of 64 rows, from their values to planes; included behind the search of an instruction set.

/// 1 where a float64 forest has a double among 64 rows.
static int has_doubles(const serin_slice_work *work, size_t first_row) {
    if (work->forest->header->value_width == SERIN_FLOAT32) return 0;
    uint32_t widths = 0;
    for (size_t i = 0; i < SERIN_SLICE_ROWS; i++) widths |= serin_slice_row(work, first_row + i)->value_width;
    return widths == SERIN_FLOAT64;
}

/// The planes of every column, and the masks of categories, for the 64 rows of a word.
static void rank_word(const serin_slice_work *work, size_t word) {
    const serin_slices *slices = &work->forest->slices;
    const size_t first_row = SERIN_SLICE_ROWS * word;
    const int is_exact = has_doubles(work, first_row);
    size_t loaded = SIZE_MAX;
    for (uint32_t c = 0; c < slices->column_count; c++) {
        const size_t feature = slices->columns[c].feature & ~(uint32_t)(SERIN_SLICE_FEATURES - 1);
        const size_t left = work->forest->header->feature_count - feature;
        if (feature != loaded && is_exact) load_doubles(work, first_row, feature, left);
        if (feature != loaded && !is_exact) load_floats(work, first_row, feature, left);
        loaded = feature;
#define CASE(LEVELS)                                                                                     \
    case LEVELS:                                                                                         \
        if (is_exact)                                                                                    \
            search(work, c, word, LEVELS, 1);                                                            \
        else                                                                                             \
            search(work, c, word, LEVELS, 0);                                                            \
        break
        switch (slices->columns[c].levels) {
            CASE(1);
            CASE(2);
            CASE(3);
            CASE(4);
            CASE(5);
            CASE(6);
            CASE(7);
            CASE(8);
        }
#undef CASE
    }
    for (uint32_t c = 0; c < slices->category_count; c++) answer_categories(work, slices->categories + c, word);
}
