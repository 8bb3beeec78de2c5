"""Saves a booster as an MLflow model: `save.py MODEL.json FOLDER`."""

import sys

import mlflow.xgboost
import xgboost

booster = xgboost.Booster({"nthread": 1}, model_file=sys.argv[1])
booster.feature_names = booster.feature_types = None
mlflow.xgboost.save_model(booster, sys.argv[2], model_format="json")
