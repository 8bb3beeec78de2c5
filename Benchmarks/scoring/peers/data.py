"""The rows that every model is trained on and measured with: random, but the same on every machine.

    table(width)        32 or 256 columns of the shapes that serving sees: normal, log-normal, counts, flags, shares
    with_missing(...)   a quarter of the columns have holes, one value in seven: 3.5% of all values
    with_categories(...) four columns hold codes, of 6, 24, 60 and 200 categories

Labels carry enough noise that boosting never runs out of something to fit: trees are as large as they may be, which
is what makes a model of 500 x 8 slow to score.  All values are float32, so that a trainer that reads floats and one
that reads doubles see the same numbers.
"""

import numpy as np

TRAINING_ROWS = 100_000
TEST_ROWS = 65_536
HOLE_SHARE = 0.14
CATEGORY_COUNTS = (6, 24, 60, 200)


def table(seed: int, width: int = 32) -> np.ndarray:
    """Training rows, then test rows: float32 [TRAINING_ROWS + TEST_ROWS][width]."""
    rng = np.random.default_rng([seed, width])
    count = TRAINING_ROWS + TEST_ROWS
    shapes = (
        lambda: rng.standard_normal(count),
        lambda: np.exp(rng.standard_normal(count)),
        lambda: rng.poisson(6, count),
        lambda: rng.random(count),
        lambda: rng.standard_normal(count) * 1000 + 5000,
        lambda: rng.random(count) < 0.2,
        lambda: np.round(np.exp(rng.standard_normal(count) * 1.2 + 3), 2),
        lambda: rng.standard_normal(count) * 0.01,
    )
    return np.column_stack([shapes[index % len(shapes)]() for index in range(width)]).astype(np.float32)


def standardized(values: np.ndarray) -> np.ndarray:
    """Each column with mean 0 and deviation 1, as linear models and networks are fed."""
    return ((values - values.mean(axis=0)) / values.std(axis=0)).astype(np.float32)


def labels(seed: int, values: np.ndarray) -> np.ndarray:
    """0 or 1 by waves, products and steps of all columns, with noise."""
    rng = np.random.default_rng([seed, 1])
    scaled = standardized(values).astype(np.float64)
    width = scaled.shape[1]
    signal = np.zeros(len(values))
    for index, weight in enumerate(rng.standard_normal(width)):
        other = int(rng.integers(width))
        signal += weight * np.sin(scaled[:, index] * rng.uniform(0.5, 3)) + 0.7 * weight * (
            np.tanh(scaled[:, index]) * np.tanh(scaled[:, other])
        )
    signal /= signal.std()
    return (rng.random(len(values)) < 1 / (1 + np.exp(-1.5 * signal))).astype(np.float32)


def with_missing(seed: int, values: np.ndarray) -> np.ndarray:
    """Holes (NaN) in every fourth column."""
    rng = np.random.default_rng([seed, 2])
    holed = values.copy()
    for column in range(0, values.shape[1], 4):
        holed[rng.random(len(values)) < HOLE_SHARE, column] = np.nan
    return holed


def with_categories(seed: int, values: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """The first four columns that have no holes, cut into codes in a random order; and which they are."""
    rng = np.random.default_rng([seed, 3])
    coded, columns = values.copy(), [1, 3, 7, 9]
    for column, count in zip(columns, CATEGORY_COUNTS):
        ranks = values[:, column].argsort().argsort()
        coded[:, column] = rng.permutation(count)[ranks * count // len(values)]
    return coded, columns
