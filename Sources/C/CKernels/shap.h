// One tree's contributions for one row, over vectors of LANES quadrature points.  Included once for each
// instruction set and width, with LANES, SHAP_NAME and SHAP_TARGET defined.

typedef double SHAP_VECTOR __attribute__((vector_size(LANES * 8)));

SHAP_TARGET static inline void SHAP_NAME(
    const serin_shap_tree *tree, uint32_t block, const serin_shap_scratch *scratch) {
    const uint8_t *restrict sides = scratch->sides;
    const uint8_t *restrict passed = scratch->passed;
    SHAP_VECTOR *cells = (SHAP_VECTOR *)scratch->cells;
    const SHAP_VECTOR *pairs = (const SHAP_VECTOR *)tree->coefficients + (size_t)block * tree->pair_count * 2;
    cells[0] = ((const SHAP_VECTOR *)tree->weights)[block];
    size_t inner_count = tree->inner_count;
    for (size_t i = 0; i < inner_count; i++) {
        const serin_shap_inner *split = tree->inner + i;
        uint32_t side = sides[i];
        SHAP_VECTOR path = cells[i];
        SHAP_VECTOR taken = path * pairs[split->pairs[passed[i]]];
        SHAP_VECTOR rest = path - taken;
        cells[split->children[side]] = rest * split->shares[side] + taken;
        cells[split->children[side ^ 1]] = rest * split->shares[side ^ 1];
    }
    for (size_t i = 0; i < tree->last_count; i++) {
        const serin_shap_last *split = tree->last + i;
        size_t node = inner_count + i;
        uint32_t pair = split->pairs[passed[node]];
        double difference = split->differences[sides[node]];
        SHAP_VECTOR *phi = (SHAP_VECTOR *)(scratch->phi + (size_t)split->feature * SERIN_SHAP_LANES);
        *phi += cells[node] * pairs[pair + 1] * difference;
        cells[node] = pairs[pair] * difference + split->mean;
    }
    SHAP_VECTOR *leaves = cells + inner_count + tree->last_count;
    for (size_t i = 0; i < tree->leaf_count; i++) leaves[i] = (SHAP_VECTOR){} + tree->leaves[i];
    for (size_t i = inner_count; i-- > 0;) {
        const serin_shap_inner *split = tree->inner + i;
        uint32_t pair = split->pairs[passed[i]];
        SHAP_VECTOR mean =
            cells[split->children[0]] * split->shares[0] + cells[split->children[1]] * split->shares[1];
        SHAP_VECTOR difference = cells[split->children[sides[i]]] - mean;
        SHAP_VECTOR *phi = (SHAP_VECTOR *)(scratch->phi + (size_t)split->feature * SERIN_SHAP_LANES);
        *phi += cells[i] * pairs[pair + 1] * difference;
        cells[i] = pairs[pair] * difference + mean;
    }
}

#undef SHAP_VECTOR
#undef SHAP_NAME
#undef LANES
