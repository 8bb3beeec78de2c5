"""CatBoost by its own Pool, which no C interface of its wheel offers: a process that the harness asks to score.

    catboost_pool.py MODEL_FOLDER     a line "rows calls" in ─► the nanoseconds that the calls took, out
                                      a line "answers rows"  ─► that many lines of raw scores

Pools are built before the clock runs, one for each batch of the first 65,536 rows, as a user would who scores the
same rows again and again: the way in which CatBoost is fastest.
"""

import sys
import time
from pathlib import Path

import catboost
import numpy as np


class Pools:
    def __init__(self, folder: Path):
        self.model = catboost.CatBoostClassifier()
        self.model.load_model(str(folder / "model.cbm"))
        count = (folder / "answers.f64").stat().st_size // 8
        self.rows = np.fromfile(folder / "rows.f32", np.float32).reshape(count, -1)
        self.by_size: dict[int, list[catboost.Pool]] = {}
        self.next: dict[int, int] = {}

    def batches(self, size: int) -> list[catboost.Pool]:
        """At most 64 pools of `size` rows."""
        if size not in self.by_size:
            firsts = range(0, min(len(self.rows), 64 * size), size)
            self.by_size[size] = [catboost.Pool(self.rows[first : first + size]) for first in firsts]
        return self.by_size[size]

    def score(self, pool: catboost.Pool) -> np.ndarray:
        return self.model.predict(pool, prediction_type="RawFormulaVal", thread_count=1)

    def time(self, size: int, calls: int) -> int:
        pools = self.batches(size)
        start = self.next.get(size, 0)
        begin = time.perf_counter_ns()
        for call in range(start, start + calls):
            self.score(pools[call % len(pools)])
        took = time.perf_counter_ns() - begin
        self.next[size] = start + calls
        return took


def main():
    pools = Pools(Path(sys.argv[1]))
    print("ready", flush=True)
    for line in sys.stdin:
        first, second = line.split()
        if first == "answers":
            answers = pools.score(catboost.Pool(pools.rows[: int(second)]))
            print("\n".join(repr(float(answer)) for answer in answers), flush=True)
        else:
            print(pools.time(int(first), int(second)), flush=True)


main()
