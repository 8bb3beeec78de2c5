"""Numbers as JSON text: the shortest digits that give the same bits back.

A reader of golden rows parses every number as a double and, where the row is FP32, rounds that double
to float32.  Shortest float32 digits survive this double rounding but for rare decimals next to a
midpoint; those are written with the double's digits instead, so what is written always reads back.
"""

import json
import math

import numpy as np


def double_text(value: float) -> str:
    """Shortest digits of a double; whole numbers without a fraction, minus zero with one."""
    value = float(value)
    if not math.isfinite(value):
        raise ValueError("JSON has no text for a number that is not finite")
    return _shorter(np.float64(value))


def float_text(value: np.float32) -> str:
    """Shortest digits of a float32 that come back after parsing as a double and rounding."""
    value = np.float32(value)
    text = _shorter(value) if np.isfinite(value) else double_text(value)
    return text if np.float32(float(text)) == value else double_text(float(value))


def _shorter(value) -> str:
    """All digits of whole numbers below 1e15, else the shorter notation, fixed where they tie."""
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0"
    if abs(value) < 1e15 and value == int(value):
        return str(int(value))
    fixed = np.format_float_positional(value, unique=True, trim="-")
    scientific = np.format_float_scientific(value, unique=True, trim="-")
    return scientific if len(scientific) < len(fixed) else fixed


def number_text(value, single: bool) -> str:
    return float_text(value) if single else double_text(value)


def row_line(row, input_type: str, margin, score, score_single: bool) -> str:
    """One line of golden.ndjson.

    `row` holds numbers, None or NaN (missing) and strings (categories); `input_type` is FP32 or FP64;
    `score_single` says whether margins and scores are float32 (XGBoost) or double (LightGBM).
    """
    cells = []
    for value in row:
        if value is None or (not isinstance(value, str) and math.isnan(value)):
            cells.append("null")
        elif isinstance(value, str):
            cells.append(json.dumps(value, ensure_ascii=False))
        else:
            if input_type == "FP32" and float(np.float32(value)) != float(value):
                raise ValueError(f"{value!r} stands in an FP32 row but is no float32")
            cells.append(number_text(value, input_type == "FP32"))
    margins = ",".join(number_text(value, score_single) for value in margin)
    scores = ",".join(number_text(value, score_single) for value in score)
    return f'{{"row":[{",".join(cells)}],"input":"{input_type}","margin":[{margins}],"score":[{scores}]}}'
