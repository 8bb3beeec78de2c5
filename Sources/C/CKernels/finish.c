// The end of a row: its margins (scaled and shifted, where the model says so), the objective's
// transform, and whether all of it is a number.
//
// The float forms are XGBoost's to the operation, the double ones LightGBM's and CatBoost's: see
// OutputTransform in ModelFormat, which says the same in Swift.
#include "fast_exponential.h"
#include "kernels.h"
#include "sigmoid.h"

#include <math.h>
#include <string.h>

static inline float sigmoid_float(float margin, double scale) {
    (void)scale;
    return serin_sigmoid(margin);
}

static inline double sigmoid_double(double margin, double scale) { return 1.0 / (1.0 + exp(-scale * margin)); }

/// A NaN stays one, an infinity minus itself becomes one, anything else 0.
#define IS_FINITE(VALUE) ((VALUE) - (VALUE) == 0)

#define DEFINE_FINISH(NAME, NUMBER, EXP, LOG1P, MAX, SIGMOID)                                                  \
    static uint32_t NAME(                                                                                      \
        const serin_forest *forest, const NUMBER *sums, NUMBER *margins, NUMBER *scores) {                     \
        const serin_image_header *header = forest->header;                                                     \
        const NUMBER *bias = forest->margin_bias;                                                              \
        const uint32_t count = header->output_count;                                                           \
        int finite = 1;                                                                                        \
        for (uint32_t i = 0; i < count; i++) {                                                                 \
            NUMBER margin = sums[i] * (NUMBER)header->margin_scale;                                            \
            if (bias) margin += bias[i];                                                                       \
            finite &= IS_FINITE(margin);                                                                       \
            if (margins) margins[i] = margin;                                                                  \
            scores[i] = header->average_divisor > 1 ? margin / (NUMBER)header->average_divisor : margin;       \
        }                                                                                                      \
        switch (header->transform) {                                                                           \
        case SERIN_TRANSFORM_IDENTITY: break;                                                                  \
        case SERIN_TRANSFORM_SIGMOID:                                                                          \
            for (uint32_t i = 0; i < count; i++) scores[i] = SIGMOID(scores[i], header->sigmoid_scale);        \
            break;                                                                                             \
        case SERIN_TRANSFORM_SOFTMAX: {                                                                        \
            NUMBER largest = scores[0];                                                                        \
            for (uint32_t i = 1; i < count; i++) largest = MAX(scores[i], largest);                            \
            double sum = 0;                                                                                    \
            for (uint32_t i = 0; i < count; i++) {                                                             \
                scores[i] = EXP(scores[i] - largest);                                                          \
                sum += (double)scores[i];                                                                      \
            }                                                                                                  \
            for (uint32_t i = 0; i < count; i++) scores[i] /= (NUMBER)sum;                                     \
            break;                                                                                             \
        }                                                                                                      \
        case SERIN_TRANSFORM_EXPONENTIAL:                                                                      \
            for (uint32_t i = 0; i < count; i++) scores[i] = EXP(scores[i]);                                   \
            break;                                                                                             \
        case SERIN_TRANSFORM_STEP:                                                                             \
            for (uint32_t i = 0; i < count; i++) scores[i] = scores[i] > 0 ? 1 : 0;                            \
            break;                                                                                             \
        case SERIN_TRANSFORM_SIGNED_SQUARE:                                                                    \
            for (uint32_t i = 0; i < count; i++)                                                               \
                scores[i] = scores[i] < 0 ? -(scores[i] * scores[i]) : scores[i] * scores[i];                  \
            break;                                                                                             \
        case SERIN_TRANSFORM_SOFTPLUS:                                                                         \
            for (uint32_t i = 0; i < count; i++) scores[i] = LOG1P(EXP(scores[i]));                            \
            break;                                                                                             \
        case SERIN_TRANSFORM_FAST_SOFTMAX: {                                                                   \
            NUMBER largest = scores[0];                                                                        \
            for (uint32_t i = 1; i < count; i++) largest = MAX(scores[i], largest);                            \
            NUMBER sum = 0;                                                                                    \
            for (uint32_t i = 0; i < count; i++) {                                                             \
                scores[i] = (NUMBER)serin_fast_exponential((double)(scores[i] - largest));                     \
                sum += scores[i];                                                                              \
            }                                                                                                  \
            for (uint32_t i = 0; i < count; i++) scores[i] /= sum;                                             \
            break;                                                                                             \
        }                                                                                                      \
        case SERIN_TRANSFORM_FAST_EXPONENTIAL:                                                                 \
            for (uint32_t i = 0; i < count; i++)                                                               \
                scores[i] = (NUMBER)serin_fast_exponential((double)scores[i]);                                 \
            break;                                                                                             \
        }                                                                                                      \
        for (uint32_t i = 0; i < count; i++) finite &= IS_FINITE(scores[i]);                                   \
        return !finite;                                                                                        \
    }

DEFINE_FINISH(finish_float, float, expf, log1pf, fmaxf, sigmoid_float)
DEFINE_FINISH(finish_double, double, exp, log1p, fmax, sigmoid_double)

uint32_t serin_finish(const serin_forest *forest, const void *sums, void *margins, void *scores) {
    if (forest->header->sum_width == SERIN_FLOAT32) return finish_float(forest, sums, margins, scores);
    return finish_double(forest, sums, margins, scores);
}
