"""The command from a shell's side: exit codes, one line of error, what `serve` refuses to start on."""

import socket

import pytest
import yaml

from harness.gateway import BINARY, MODELS, ROOT, configuration, run_serin

SHIPPED = ROOT / "config" / "serin.yaml"


def test_the_shipped_configuration_checks():
    done = run_serin("serve", "--check", "--config", SHIPPED, "--models", MODELS)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["--no-such"], ["serve", "--port"], ["serve", "--port", "x"], ["nothing"]])
def test_wrong_usage_is_2(arguments):
    done = run_serin(*arguments)
    assert done.returncode == 2 and done.stderr


def test_a_configuration_that_is_not_there(tmp_path):
    done = run_serin("serve", "--config", tmp_path / "no.yaml")
    assert done.returncode in (1, 3) and "no.yaml" in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_a_port_that_is_taken_is_3(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = configuration(tmp_path, listen={"address": "127.0.0.1", "port": taken.getsockname()[1]})
        config = tmp_path / "serin.yaml"
        config.write_text(yaml.safe_dump(settings))
        done = run_serin("serve", "--config", config, "--models", MODELS)
    assert done.returncode == 3 and str(settings["listen"]["port"]) in done.stderr, done.stderr


def test_verify_and_list_find_the_shipped_bundles():
    done = run_serin("model", "verify", "--repository", MODELS)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = run_serin("model", "list", "--repository", MODELS)
    assert listed.returncode == 0 and "fraud" in listed.stdout


def test_help_names_the_commands():
    done = run_serin("--help")
    assert done.returncode == 0 and "serve" in done.stdout and "model" in done.stdout, BINARY
