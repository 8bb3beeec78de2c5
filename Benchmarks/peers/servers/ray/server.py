"""The model as a Ray Serve deployment: `server.py PORT REPLICAS FOLDER`."""

import os
import signal
import sys

import numpy
import orjson
import ray
import xgboost
from ray import serve
from ray.serve.schema import LoggingConfig
from starlette.requests import Request
from starlette.responses import Response

OBJECT_STORE_BYTES = 80 << 20


@serve.deployment(
    num_replicas=int(sys.argv[2]), max_ongoing_requests=100, ray_actor_options={"num_cpus": 0},
    logging_config=LoggingConfig(enable_access_log=False, log_level="WARNING"))
class Fraud:
    def __init__(self):
        self.booster = xgboost.Booster({"nthread": 1}, model_file=os.environ["PEERS_MODEL"])

    async def __call__(self, request: Request) -> Response:
        tensor = orjson.loads(await request.body())["inputs"][0]
        rows = numpy.asarray(tensor["data"], dtype=numpy.float32).reshape(tensor["shape"])
        scores = self.booster.inplace_predict(rows, validate_features=False)
        output = {"name": "score", "shape": scores.shape, "datatype": "FP32", "data": scores}
        answer = {"model_name": "fraud", "outputs": [output]}
        return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


def stop(*_):
    ray.shutdown()
    sys.exit(0)


if __name__ == "__main__":
    ray.init(include_dashboard=False, log_to_driver=False, object_store_memory=OBJECT_STORE_BYTES, _temp_dir=sys.argv[3])
    serve.start(
        http_options={"host": "127.0.0.1", "port": int(sys.argv[1])},
        logging_config=LoggingConfig(enable_access_log=False, log_level="WARNING"))
    serve.run(Fraud.bind(), route_prefix="/v2/models/fraud/infer")
    signal.signal(signal.SIGTERM, stop)
    signal.pause()
