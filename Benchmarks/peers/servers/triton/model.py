"""The model for Triton's Python backend: the rows of all requests that wait, scored in one call."""

import json

import numpy
import triton_python_backend_utils as triton
import xgboost


class TritonPythonModel:
    def initialize(self, arguments):
        path = json.loads(arguments["model_config"])["parameters"]["model"]["string_value"]
        self.booster = xgboost.Booster({"nthread": 1}, model_file=path)

    def execute(self, requests):
        inputs = [triton.get_input_tensor_by_name(request, "features").as_numpy() for request in requests]
        scores = self.booster.inplace_predict(numpy.concatenate(inputs), validate_features=False).reshape(-1, 1)
        ends = numpy.cumsum([len(rows) for rows in inputs])[:-1]
        return [
            triton.InferenceResponse([triton.Tensor("score", part)]) for part in numpy.split(scores, ends)]
