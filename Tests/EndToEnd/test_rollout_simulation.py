"""`serin rollout simulate` on the release build: how often the guard is wrong, how soon it is right, and the command."""

import json

import pytest

from harness.gateway import ROOT, run_serin

SHIPPED = ROOT / "config" / "rollout.yaml"
HEALTHY = ROOT / "Tests" / "Fixtures" / "rollout" / "healthy.yaml"


def simulate(*arguments):
    done = run_serin("rollout", "simulate", *arguments, "--json", seconds=1500)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_healthy_rollouts_at_the_edge_are_left_alone():
    """3,000 rollouts whose candidate is exactly as bad as the plan allows; the long proof has 100,000."""
    result = simulate(HEALTHY, "--runs", "3000", "--seed", "21", "--healthy-only")
    assert result["runs"] == 3000 and len(result["traffic"]) == 12
    assert result["false_rollbacks_upper_bound"] <= 0.05, result
    assert result["promoted"] + result["inconclusive"] + result["false_rollbacks"] == 3000


def test_the_shipped_plan_finds_its_faults():
    result = simulate(SHIPPED, "--runs", "12", "--seed", "3")
    assert result["runs"] == 12 and result["false_rollbacks"] == 0
    assert result["median_requests_to_rollback"] is None
    faults = {fault["name"]: fault for fault in result["faults"]}
    shifted = faults.pop("scores shifted")
    assert shifted["paused"] == 12 and shifted["rolled_back"] == 0 and shifted["promoted"] == 0
    for fault in faults.values():
        assert fault["rolled_back"] == 12, fault
        assert fault["median_requests_to_rollback"] > 0 and fault["median_seconds_to_rollback"] > 0
    assert faults["both arms late"]["environment"] == 12
    # The warm-up is 5 s; a candidate that is always late is out within a second of its end.
    assert faults["all late"]["median_seconds_to_rollback"] < 6.5


def test_the_same_seed_gives_the_same():
    arguments = (HEALTHY, "--runs", "22", "--seed", "5", "--healthy-only")
    assert simulate(*arguments) == simulate(*arguments)


def test_the_table_and_the_chart():
    done = run_serin("rollout", "simulate", SHIPPED, "--runs", "10", "--seed", "1", seconds=1500)
    assert done.returncode == 0, done.stderr
    assert "ROLLED BACK" in done.stdout and "time to rollback" in done.stdout and "█" in done.stdout


@pytest.mark.parametrize(
    "text, message",
    [
        ("steps: [{percent: 120, max: 10m}]\n", "percent above 0"),
        ("steps: [{percent: 50, max: 10m}]\nalpha: 2\n", "alpha"),
        ("rate: 1/h\nsteps: [{percent: 50, max: 10m}]\n", "can never decide: needs 4336 requests"),
        ("steps: [{percent: 50, max: 10m}]\nrate: 1000/s\nsimulation: {traffic: [rain]}\n", "expected any of constant"),
    ],
)
def test_bad_plans_are_1_with_one_line(tmp_path, text, message):
    plan = tmp_path / "plan.yaml"
    plan.write_text(text)
    done = run_serin("rollout", "simulate", plan, "--runs", "1")
    assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("arguments", [["--runs", "0"], ["--alpha", "1"], ["--rate", "-1"], ["--no-such"]])
def test_wrong_usage_is_2(arguments):
    assert run_serin("rollout", "simulate", SHIPPED, *arguments).returncode == 2
