// TreeSHAP: what each feature contributes to a row's margin, exactly, path-dependent.
//
// Along a path from the root to a leaf every feature q has two numbers: o = 1 where the row passes
// all of the path's splits on q, else 0; and z, the share of the training rows that pass them (the
// product of cover(child) / cover(split)).  The leaf's value v then contributes to feature i
//
//     v × (o_i − z_i) × ∫₀¹ ∏_{j≠i} (z_j (1 − t) + o_j t) dt
//
// which is the Shapley value written as an integral (the sum over subset sizes is a beta function).  The
// integrand is a polynomial of a degree below the number d of distinct features on the path, so
// Gauss-Legendre quadrature with ⌈d/2⌉ points is exact; the points are the lanes of a vector.
//
//     down   P(child) = P(split) × r(child)          P(root) = the quadrature's weights
//     up     M = z_l H(l) + z_r H(r)                 what the split is worth when q is not known
//            D = H(the side the row takes) − M       what knowing q adds
//            H(split) = M + a D                      phi[q] += P(split) × b × D
//
// with a = t/f, b = z/f² and f = z (1 − t) + t where q was split on before, z its product so far (else
// f = 1: a = t, b = 1), and a = b = 0 where the row has failed an earlier split on q: such a split
// averages its sides.  r(child) = z_child × (1 − a) + a on the side that the row takes, else
// z_child × (1 − a).  (To get there, replace q's factor in the product by the one of all its splits so
// far, as Linear TreeSHAP does [Yu et al. 2022], and cancel: every term is a product or a weighted mean
// of positive numbers, nothing is divided by anything small and no z has to be above 0.)
//
// A tree costs about twelve vector operations a split and no memory but one vector for each node.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Vectors of phi have so many lanes, whatever a tree uses of them.
#define SERIN_SHAP_LANES 8

/// What splits ask about a row: a value, a way of missing values to go, and thresholds.
typedef struct {
    /// Ascending and distinct, from `first` on; the rank is how many of them the value is above.
    uint32_t first;
    uint32_t count;
    /// Which of the row's values.
    uint32_t value;
    /// Rank of a missing value: 0 goes left everywhere, 65,535 right.
    uint16_t missing;
    /// Added to every other rank: 1 where there is a threshold that everything is above.
    uint16_t base;
} serin_shap_slot;

/// Vectors are numbered by node: inner splits, last splits, then leaves that hang on inner splits.  Their
/// offsets are in bytes, and so are features' in phi and pairs' among a group's coefficients.
typedef struct {
    /// Left and right child's vector.
    uint32_t children[2];
    uint32_t feature;
    /// Pair (a, b) of a split on a feature that was split on before.
    uint32_t pair;
    /// cover(child) / cover(split).
    double shares[2];
} serin_shap_inner;

/// A split of two leaves.
typedef struct {
    uint32_t feature;
    uint32_t pair;
    /// M, and D for a row that goes left, and right.
    double mean;
    double differences[2];
} serin_shap_last;

/// A split on a feature that was split on before.
typedef struct {
    uint32_t split;
    uint32_t earlier;
    /// Side of the earlier split that this one stands on: 0 left, 1 right.
    uint32_t side;
} serin_shap_repeat;

typedef struct {
    uint32_t split;
    /// Which of the row's values.
    uint32_t value;
    /// Bit c of the words at `words`: code c goes right.
    uint32_t words;
    uint32_t code_count;
    /// Where no code goes, and a missing value.
    uint8_t other_right;
    uint8_t missing_right;
} serin_shap_category;

/// A few trees of one output, whose splits are worked off together: those of one tree wait for each
/// other, those of several do not (100 trees of 31 leaves: 20 µs tree by tree, 11 in groups).
///
/// Splits are numbered inner ones first, parents before children.  Inner splits come in runs, by turns on
/// features that are new to their path and on such that are not; last splits in one run of each.
typedef struct {
    /// By split: its slot and its threshold's number there; right where the rank is above it.
    const uint16_t *slots;
    const uint16_t *ranks;
    const serin_shap_inner *inner;
    /// Lengths of the runs of inner splits, new features first.
    const uint32_t *runs;
    const serin_shap_last *last;
    /// Values of the leaves that hang on inner splits.
    const double *leaves;
    const serin_shap_repeat *repeats;
    const serin_shap_category *categories;
    /// The roots' vectors.
    const uint32_t *roots;
    /// [block][pair](a, b)[lanes]; pair 0 is zero, pair 1 that of a feature's first split.
    const double *coefficients;
    /// [block][lanes], of the quadrature.
    const double *weights;
    uint32_t root_count;
    uint32_t inner_count;
    uint32_t run_count;
    uint32_t last_count;
    /// Last splits on features that are new to their path.
    uint32_t last_new_count;
    uint32_t leaf_count;
    uint32_t repeat_count;
    uint32_t category_count;
    uint32_t pair_count;
    /// 4 or 8.
    uint32_t lanes;
    /// Passes over the group, `lanes` points each.
    uint32_t blocks;
} serin_shap_group;

/// One thread's working memory, 64-byte aligned.
typedef struct {
    /// The row's values, NaN where missing.
    double *values;
    /// By slot; SERIN_SHAP_GROUP more than there are slots.
    uint16_t *ranks;
    /// By split: 0 left, 1 right; room for SERIN_SHAP_GROUP more.
    uint8_t *sides;
    /// By split: 1 where the row has passed all earlier splits on the feature.
    uint8_t *passed;
    /// By node, a vector.
    double *cells;
    /// [feature][SERIN_SHAP_LANES].
    double *phi;
} serin_shap_scratch;

typedef struct {
    const serin_shap_group *groups;
    const serin_shap_slot *slots;
    const double *thresholds;
    const uint64_t *category_words;
    uint32_t slot_count;
} serin_shap_forest;

/// Splits are decided in groups of so many: slots and ranks are padded to it.
#define SERIN_SHAP_GROUP 32

/// Ranks of one row's values.
void serin_shap_rank(const serin_shap_forest *forest, const serin_shap_scratch *scratch);

/// Adds one row's contributions of groups `first` ..< `end` to scratch->phi.
typedef void serin_shap_function(
    const serin_shap_forest *forest, size_t first, size_t end, const serin_shap_scratch *scratch);

/// The fastest function that this processor can run; all give the same bits.
serin_shap_function *serin_shap_best(void);
/// By name: "scalar" (which runs on every machine), "avx2", "avx512"; nil where this processor cannot run it.
serin_shap_function *serin_shap_named(const char *name);
