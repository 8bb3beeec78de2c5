"""The model as an RSGI application, V2's REST."""

import os

import numpy
import orjson
import xgboost

booster = xgboost.Booster({"nthread": 1}, model_file=os.environ["PEERS_MODEL"])
HEADERS = [("content-type", "application/json")]


async def infer(scope, protocol):
    if scope.method != "POST" or scope.path != "/v2/models/fraud/infer":
        protocol.response_empty(404, [])
        return
    tensor = orjson.loads(await protocol())["inputs"][0]
    rows = numpy.asarray(tensor["data"], dtype=numpy.float32).reshape(tensor["shape"])
    scores = booster.inplace_predict(rows, validate_features=False)
    output = {"name": "score", "shape": scores.shape, "datatype": "FP32", "data": scores}
    answer = {"model_name": "fraud", "outputs": [output]}
    protocol.response_bytes(200, HEADERS, orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))
