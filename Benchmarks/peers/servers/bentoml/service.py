"""The model as a BentoML service."""

import os

import bentoml
import numpy
import xgboost


@bentoml.service(
    workers=int(os.environ["PEERS_WORKERS"]), traffic={"timeout": 60}, metrics={"enabled": False},
    logging={"access": {"enabled": False}})
class Fraud:
    def __init__(self):
        self.booster = xgboost.Booster({"nthread": 1}, model_file=os.environ["PEERS_MODEL"])

    @bentoml.api
    async def infer(self, rows: list[list[float]]) -> list[float]:
        matrix = numpy.asarray(rows, dtype=numpy.float32)
        return self.booster.inplace_predict(matrix, validate_features=False).tolist()
