"""The model behind FastAPI, V2's REST."""

import os

import numpy
import orjson
import xgboost
from fastapi import FastAPI, Request, Response

booster = xgboost.Booster({"nthread": 1}, model_file=os.environ["PEERS_MODEL"])
app = FastAPI(openapi_url=None)


@app.post("/v2/models/fraud/infer")
async def infer(request: Request) -> Response:
    tensor = orjson.loads(await request.body())["inputs"][0]
    rows = numpy.asarray(tensor["data"], dtype=numpy.float32).reshape(tensor["shape"])
    scores = booster.inplace_predict(rows, validate_features=False)
    output = {"name": "score", "shape": scores.shape, "datatype": "FP32", "data": scores}
    answer = {"model_name": "fraud", "outputs": [output]}
    return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
