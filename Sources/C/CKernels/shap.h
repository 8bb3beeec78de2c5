// A group of trees' contributions for one row, over vectors of LANES quadrature points.  Included once for each
// instruction set and width, with LANES, SHAP_NAME(part), SHAP_VECTOR and SHAP_TARGET defined.
//
// Splits on features that are new to their path (four of five) have a = t and b = 1: they get loops of
// their own.  A vector's address is a byte offset away from its table, so that no index is scaled.

typedef double SHAP_VECTOR __attribute__((vector_size(LANES * 8)));

#define SHAP_AT(table, offset) (*(SHAP_VECTOR *)((char *)(table) + (offset)))

/// Hands a path's product on to both children; `taken` is the part of the side that the row takes.
#define SHAP_DOWN(taken_part)                                                                                  \
    {                                                                                                          \
        SHAP_VECTOR path = SHAP_AT(cell, 0);                                                                   \
        SHAP_VECTOR taken = path * taken_part;                                                                 \
        SHAP_VECTOR rest = path - taken;                                                                       \
        size_t side = *sides;                                                                                  \
        SHAP_AT(cells, split->children[side]) = rest * split->shares[side] + taken;                            \
        SHAP_AT(cells, split->children[side ^ 1]) = rest * split->shares[side ^ 1];                            \
    }

/// What a split is worth on average, and what knowing its feature adds.
#define SHAP_UP                                                                                                \
    SHAP_VECTOR mean =                                                                                         \
        SHAP_AT(cells, split->children[0]) * split->shares[0] + SHAP_AT(cells, split->children[1]) * split->shares[1]; \
    SHAP_VECTOR difference = SHAP_AT(cells, split->children[*sides]) - mean;

SHAP_TARGET static void SHAP_NAME(group)(
    const serin_shap_group *group, uint32_t block, const serin_shap_scratch *scratch) {
    const size_t stride = LANES * 8;
    const uint8_t *sides = scratch->sides;
    const uint8_t *passed = scratch->passed;
    char *cells = (char *)scratch->cells;
    char *phi = (char *)scratch->phi;
    const char *pairs = (const char *)group->coefficients + (size_t)block * group->pair_count * 2 * stride;
    const SHAP_VECTOR times = SHAP_AT(pairs, 2 * stride);
    const serin_shap_inner *split = group->inner;
    char *cell = cells;
    for (uint32_t i = 0; i < group->root_count; i++)
        SHAP_AT(cells, group->roots[i]) = SHAP_AT(group->weights, block * stride);

    for (uint32_t run = 0; run < group->run_count; run++) {
        const serin_shap_inner *end = split + group->runs[run];
        if (run % 2 == 0)
            for (; split < end; split++, sides++, passed++, cell += stride) SHAP_DOWN(times)
        else
            for (; split < end; split++, sides++, passed++, cell += stride)
                SHAP_DOWN(SHAP_AT(pairs, *passed ? split->pair : 0))
    }

    const serin_shap_last *last = group->last;
    const serin_shap_last *last_new = last + group->last_new_count;
    const serin_shap_last *last_end = last + group->last_count;
    const uint8_t *last_sides = sides;
    for (; last < last_new; last++, last_sides++, cell += stride) {
        double difference = last->differences[*last_sides];
        SHAP_AT(phi, last->feature) += SHAP_AT(cell, 0) * difference;
        SHAP_AT(cell, 0) = times * difference + last->mean;
    }
    const uint8_t *last_passed = passed + group->last_new_count;
    for (; last < last_end; last++, last_sides++, last_passed++, cell += stride) {
        double difference = last->differences[*last_sides];
        const char *pair = pairs + (*last_passed ? last->pair : 0);
        SHAP_AT(phi, last->feature) += SHAP_AT(cell, 0) * SHAP_AT(pair, stride) * difference;
        SHAP_AT(cell, 0) = SHAP_AT(pair, 0) * difference + last->mean;
    }
    for (uint32_t i = 0; i < group->leaf_count; i++, cell += stride)
        SHAP_AT(cell, 0) = (SHAP_VECTOR){} + group->leaves[i];

    cell = cells + group->inner_count * stride;
    for (uint32_t run = group->run_count; run-- > 0;) {
        const serin_shap_inner *end = split - group->runs[run];
        if (run % 2 == 0)
            while (split > end) {
                split--, sides--, passed--, cell -= stride;
                SHAP_UP
                SHAP_AT(phi, split->feature) += SHAP_AT(cell, 0) * difference;
                SHAP_AT(cell, 0) = times * difference + mean;
            }
        else
            while (split > end) {
                split--, sides--, passed--, cell -= stride;
                SHAP_UP
                const char *pair = pairs + (*passed ? split->pair : 0);
                SHAP_AT(phi, split->feature) += SHAP_AT(cell, 0) * SHAP_AT(pair, stride) * difference;
                SHAP_AT(cell, 0) = SHAP_AT(pair, 0) * difference + mean;
            }
    }
}

#undef SHAP_UP
#undef SHAP_DOWN
#undef SHAP_AT
#undef SHAP_VECTOR
#undef SHAP_NAME
#undef LANES
