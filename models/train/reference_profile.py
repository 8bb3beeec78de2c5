"""profile.json: how features and scores were distributed when the model was trained, for drift monitoring.

Numbers are counted in at most ten bins with about as many training values each.  Where one value fills
several bins (counts that are mostly 0) it gets a bin of its own and the rest shares nine.
"""

import numpy as np

from digits import double_text
from features import Feature

BINS, SCORE_BINS, MOST_CATEGORIES, FEWEST_SEEN = 10, 16, 50, 20


def profile_text(features: list[Feature], training: np.ndarray, scores: np.ndarray, model_sha256: str) -> str:
    """`training` float64 [rows][features], `scores` [rows][outputs] of the same rows, probabilities."""
    lines = []
    for feature, column in zip(features, training.T):
        known = column[~np.isnan(column)]
        missing = len(column) - len(known)
        if feature.kind == "category":
            lines.append(_category(feature, known, missing))
        else:
            edges = number_edges(known, feature.kind != "number")
            lines.append(
                f'{{"name":"{feature.name}","kind":"number",{_bins(known, edges)},'
                f'"underflow":0,"overflow":0,"missing":{missing}}}'
            )
    outputs = [f'{{"output":"score",{_bins(column, score_edges(column))}}}' for column in scores.T.astype(float)]
    score = outputs[0] if len(outputs) == 1 else "[" + ",".join(outputs) + "]"
    body = ",\n".join(lines)
    head = f'"schema":1,"rows":{len(training)},"model_sha256":"{model_sha256}"'
    return f'{{{head},"features":[\n{body}],\n"score":{score}}}\n'


def number_edges(values: np.ndarray, whole: bool) -> np.ndarray:
    """Increasing edges; whole numbers with few distinct values get a bin each."""
    distinct = np.unique(values)
    if len(distinct) == 0:
        return np.array([0.0, 1.0])
    if whole and len(distinct) <= BINS or len(distinct) == 1:
        return np.append(distinct, distinct[-1] + 1)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1), method="lower"))
    if len(edges) <= BINS:
        rest = np.quantile(values[values > distinct[0]], np.linspace(0, 1, BINS), method="lower")
        edges = np.unique(np.append(distinct[0], rest))
    return edges


def score_edges(scores: np.ndarray) -> np.ndarray:
    inner = np.quantile(scores, np.linspace(0, 1, SCORE_BINS + 1)[1:-1], method="lower")
    return np.unique(np.concatenate([[0.0], inner, [1.0]]))


def _bins(values, edges):
    counts, _ = np.histogram(values, edges)
    return f'"edges":[{",".join(map(double_text, edges))}],"counts":[{",".join(map(str, counts))}]'


def _category(feature, known, missing):
    counts = np.bincount(known.astype(int), minlength=len(feature.categories))
    ranked = sorted(range(len(feature.categories)), key=lambda code: -counts[code])[:MOST_CATEGORIES]
    kept = [code for code in sorted(ranked) if counts[code] >= FEWEST_SEEN]
    pairs = ",".join(f'"{feature.categories[code]}":{counts[code]}' for code in kept)
    other = int(counts.sum() - counts[kept].sum())
    return f'{{"name":"{feature.name}","kind":"category","counts":{{{pairs}}},"other":{other},"missing":{missing}}}'
