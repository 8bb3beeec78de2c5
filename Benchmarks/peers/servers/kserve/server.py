"""The model as a KServe model."""

import os

import xgboost
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class XGBoost(Model):
    def load(self) -> bool:
        self.booster = xgboost.Booster({"nthread": 1}, model_file=os.environ["PEERS_MODEL"])
        self.ready = True
        return self.ready

    async def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        rows = payload.inputs[0].as_numpy()
        scores = self.booster.inplace_predict(rows, validate_features=False)
        output = InferOutput(name="score", shape=list(scores.shape), datatype="FP32", data=scores.tolist())
        return InferResponse(response_id=payload.id or "", model_name=self.name, infer_outputs=[output])


if __name__ == "__main__":
    model = XGBoost("fraud")
    model.load()
    ModelServer().start([model])
