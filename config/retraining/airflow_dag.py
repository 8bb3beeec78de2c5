"""Airflow 3: trains a model anew when Serin says so, and hands the bundle over.

    receiver.py --airflow … ─► a run, its id the event's ─► train ─► import ─► publish: one rename

Put this file into the DAGs' folder and set the variables below. The gateway's `on_new_version` does the rest: the new
version is loaded, rolled out under the guard, and waits for a person where `approval: required` says so.
"""

from datetime import datetime, timedelta

from airflow.sdk import Variable, dag, get_current_context, task


@dag(
    dag_id="serin_retrain", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=5)}, tags=["serin"])
def serin_retrain():
    @task
    def reason() -> dict:
        """What the gateway has seen: model, version, figure, value, limit. Its names go into command lines below."""
        import re

        event = get_current_context()["dag_run"].conf["data"]
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", event["model"]) or not event["version"].isdigit():
            raise ValueError("the event names no model and version")
        return event

    @task
    def next_version(event: dict) -> str:
        """One more than the highest that the repository holds."""
        from pathlib import Path

        folder = Path(Variable.get("serin_repository")) / event["model"]
        return str(1 + max((int(child.name) for child in folder.iterdir() if child.name.isdigit()), default=0))

    @task.bash
    def train(event: dict, version: str) -> str:
        """Your own training; it writes model, manifest, golden rows and profile into $WORK."""
        return (
            'set -eu; WORK="{{ var.value.serin_work }}/{{ run_id }}"; mkdir -p "$WORK"; '
            f'python train.py --model {event["model"]} --version {version} --parent {event["version"]} --output "$WORK"')

    @task.bash
    def publish(event: dict, version: str) -> str:
        """Checks everything that a load would, and makes the bundle appear whole."""
        return (
            'set -eu; WORK="{{ var.value.serin_work }}/{{ run_id }}"; '
            f'serin model import "$WORK/model.json" --name {event["model"]} --version {version} '
            '--manifest "$WORK/manifest.yaml" --golden "$WORK/golden.ndjson" --profile "$WORK/profile.json" '
            '--repository "{{ var.value.serin_repository }}"')

    event = reason()
    version = next_version(event)
    train(event, version) >> publish(event, version)


serin_retrain()
