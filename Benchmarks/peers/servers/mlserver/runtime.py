"""The model as an MLServer runtime."""

import os

import xgboost
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class XGBoost(MLModel):
    async def load(self) -> bool:
        self.booster = xgboost.Booster({"nthread": 1}, model_file=os.environ["PEERS_MODEL"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = NumpyCodec.decode_input(payload.inputs[0])
        scores = self.booster.inplace_predict(rows, validate_features=False)
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("score", scores)])
