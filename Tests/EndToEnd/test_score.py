"""`serin score`: files of rows against the gateway's own answers, kills, bad rows, memory."""

import csv
import json
import os
import pty
import random
import resource
import signal
import subprocess
import sys
import time

import httpx
import pytest

from harness.bundles import assert_scores, bundle
from harness.gateway import BINARY, MODELS, SURROUNDINGS, run_serin

WAIT = 120


def score(*arguments, **settings):
    return run_serin("score", "--repository", MODELS, *arguments, **settings)


def rows_of(version: str, count: int) -> list[dict]:
    """Golden rows by name, repeated with other amounts, so that no two are alike."""
    fraud = bundle(version)
    golden = fraud.objects(list(fraud.golden))
    rows = []
    for index in range(count):
        row = dict(golden[index % len(golden)])
        row["amount"] += index // len(golden)
        rows.append(row)
    return rows


def write_csv(path, rows: list[dict], names=None):
    names = names or list(rows[0])
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            writer.writerow(["" if row[name] is None else row[name] for name in names])
    return path


def online(gateway, version: str, rows: list[dict]) -> list[str]:
    """The digits of the gateway's answers to the same rows."""
    digits = []
    for start in range(0, len(rows), 500):
        answer = httpx.post(
            f"{gateway.url}/v1/models/fraud/versions/{version}:predict", json={"instances": rows[start : start + 500]},
            timeout=30)
        assert answer.status_code == 200, answer.text
        digits += answer.text[answer.text.index("[") + 1 : answer.text.rindex("]")].split(",")
    return digits


@pytest.mark.parametrize("version", ["1", "2"])
def test_scores_are_the_trainers_and_the_gateways(gateway, tmp_path, version):
    fraud = bundle(version)
    rows = rows_of(version, 2000)
    source = write_csv(tmp_path / "rows.csv", rows)
    done = score("--model", f"fraud/{version}", "--input", source, "--output", tmp_path / "scores.csv")
    assert done.returncode == 0, done.stderr
    head, *found = (tmp_path / "scores.csv").read_text().splitlines()
    assert head == "score" and found == online(gateway, version, rows)
    assert_scores([float(text) for text in found[: len(fraud.golden)]], list(fraud.golden), fraud.score_type)
    assert "2000 rows" in done.stdout and "rejected" in done.stdout


def test_ndjson_by_name_and_by_position(gateway, tmp_path):
    rows = rows_of("1", 600)
    source = tmp_path / "rows.ndjson"
    with source.open("w") as file:
        for index, row in enumerate(rows):
            by_name = {"id": f"payment-{index}", **{key: value for key, value in row.items() if value is not None}}
            by_name["note"] = {"not": "a feature"}
            file.write(json.dumps(by_name if index % 3 else list(row.values())) + "\n")
    done = score(
        "--model", "fraud/1", "--input", source, "--output", tmp_path / "scores.ndjson", "--keep", "id", "--ignore",
        "note", "--outputs", "score", "label", "margin")
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "scores.ndjson").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert [json.loads(digits) for digits in online(gateway, "1", rows)] == [line["score"] for line in found]
    assert [line.get("id") for line in found] == [f"payment-{i}" if i % 3 else None for i in range(600)]
    assert all(line["label"] == (line["score"] >= 0.5) for line in found)
    assert [line["margin"] for line in found[:256]] == [
        pytest.approx(float(golden.margin[0]), abs=0) for golden in bundle("1").golden
    ]


def test_columns_in_any_order_quotes_crlf_and_other_columns(gateway, tmp_path):
    rows = rows_of("1", 700)
    names = ["id", *reversed(list(rows[0])), "comment"]
    lines = [";".join(names)]
    for index, row in enumerate(rows):
        cells = [f'"payment;{index}"']
        for name in names[1:-1]:
            value = row[name]
            quoted = isinstance(value, str) and index % 2
            cells.append("" if value is None else f'"{value}"' if quoted else str(value))
        lines.append(";".join([*cells, '"he said ""no"""']))
    source = tmp_path / "rows.txt"
    source.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    done = score(
        "--model", "fraud/1", "--input", source, "--output", tmp_path / "out.csv", "--delimiter", ";", "--keep", "id")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out.csv").open(newline="") as file:
        found = list(csv.DictReader(file, delimiter=";"))
    assert [line["id"] for line in found] == [f"payment;{index}" for index in range(700)]
    assert [line["score"] for line in found] == online(gateway, "1", rows)


BAD = {
    "short": (lambda line: line.rsplit(",", 1)[0], "expected 32 fields"),
    "long": (lambda line: line + ",1", "expected 32 fields"),
    "quote": (lambda line: '"' + line, "quote is not closed"),
    "quote-inside": (lambda line: "1" + '"' + line, "a quote stands inside"),
    "word": (lambda line: "twelve" + line[line.index(",") :], "amount: expected a number"),
    "infinite": (lambda line: "1e999" + line[line.index(",") :], "amount: expected a number"),
    "missing": (lambda line: line[line.index(",") :], "amount: expected a value, got a missing one"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_row_stops_with_its_line_or_goes_to_the_rejects(gateway, tmp_path, kind):
    spoil, reason = BAD[kind]
    rows = rows_of("1", 1500)
    source = write_csv(tmp_path / "rows.csv", rows)
    lines = source.read_text().splitlines()
    # Behind the header and behind a chunk of rows.
    lines[1200] = spoil(lines[1200])
    source.write_text("\n".join(lines) + "\n")
    arguments = ("--model", "fraud/1", "--input", source, "--output", tmp_path / "out.csv")
    done = score(*arguments)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert f"{source}:1201" in done.stderr and reason in done.stderr, done.stderr
    assert not (tmp_path / "out.csv").exists(), "what is not whole does not get its name"
    done = score(*arguments, "--rejects", tmp_path / "rejects.ndjson")
    assert done.returncode == 0, done.stderr
    wanted = online(gateway, "1", rows)
    wanted[1199] = ""
    assert (tmp_path / "out.csv").read_text().splitlines()[1:] == wanted, "every other row has its score, at its place"
    rejected = [json.loads(line) for line in (tmp_path / "rejects.ndjson").read_text().splitlines()]
    assert [(line["line"], line["text"]) for line in rejected] == [(1201, lines[1200])]
    assert reason in rejected[0]["reason"]


def test_bad_json_rows(tmp_path):
    good = json.dumps(rows_of("1", 1)[0])
    lines = [good, "{", '{"amuont":1}', "[1,2]", '{"amount":1,"amount":2}', "7", "", good]
    source = tmp_path / "rows.ndjson"
    source.write_text("\n".join(lines))
    done = score(
        "--model", "fraud/1", "--input", source, "--output", tmp_path / "out.ndjson", "--rejects", tmp_path / "bad")
    assert done.returncode == 0, done.stderr
    rejected = [json.loads(line) for line in (tmp_path / "bad").read_text().splitlines()]
    assert [line["line"] for line in rejected] == [2, 3, 4, 5, 6]
    for line, reason in zip(rejected, ["JSON", "unknown feature", "32 values", "duplicate", "object or an array"]):
        assert reason in line["reason"], line
    scores = [json.loads(line)["score"] for line in (tmp_path / "out.ndjson").read_text().splitlines()]
    assert scores[0] == scores[-1] is not None and scores[1:-1] == [None] * 5


def test_a_missing_column_and_other_refusals(tmp_path):
    rows = rows_of("1", 10)
    names = [name for name in rows[0] if name != "hour"]
    source = write_csv(tmp_path / "rows.csv", rows, names)
    arguments = ("--model", "fraud/1", "--input", source, "--output", tmp_path / "out.csv")
    done = score(*arguments)
    assert done.returncode == 1 and f"{source}:1" in done.stderr and '"hour"' in done.stderr, done.stderr
    source = write_csv(tmp_path / "rows.csv", rows)
    (tmp_path / "out.csv").write_text("precious")
    done = score(*arguments)
    assert done.returncode == 1 and "--overwrite" in done.stderr, done.stderr
    assert (tmp_path / "out.csv").read_text() == "precious"
    done = score("--model", "fraud/1", "--input", source, "--output", source, "--overwrite")
    assert done.returncode == 1 and "is the input" in done.stderr, done.stderr
    assert score(*arguments, "--overwrite").returncode == 0
    assert score("--model", "fraud/1", "--input", tmp_path / "rows.x", "--output", tmp_path / "o").returncode == 2
    assert score(*arguments, "--outputs", "odds").returncode == 2
    done = score("--model", "fraud/7", "--input", source, "--output", tmp_path / "o.csv")
    assert done.returncode == 1 and "fraud/7" in done.stderr


def large_csv(path, count: int):
    """Rows of all golden ones, shuffled; with an id that tells a lost or doubled row."""
    fraud = bundle("1")
    lines = []
    for row in fraud.objects(list(fraud.golden)):
        lines.append(",".join("" if value is None else str(value) for value in row.values()))
    source = random.Random(1)
    with path.open("w") as file:
        file.write("id," + ",".join(fraud.names) + "\n")
        for index in range(count):
            file.write(f"{index},{source.choice(lines)}\n")
    return path


def whole(tmp_path, source):
    """The scores of a run that nobody disturbed, by one thread."""
    done = score(
        "--model", "fraud/1", "--input", source, "--output", tmp_path / "whole.csv", "--keep", "id", "--threads", "1")
    assert done.returncode == 0, done.stderr
    return (tmp_path / "whole.csv").read_bytes()


def test_killed_while_writing_and_resumed(tmp_path):
    """The kernel kills the first run in the middle of a block's write; the second loses and doubles no row."""
    source = large_csv(tmp_path / "rows.csv", 60_000)
    expected = whole(tmp_path, source)
    arguments = ["--model", "fraud/1", "--input", source, "--output", tmp_path / "out.csv", "--keep", "id"]
    command = [BINARY, "score", "--repository", MODELS, *arguments]
    limit = len(expected) // 2 + 17
    killed = subprocess.run(
        command, env=SURROUNDINGS, capture_output=True, timeout=WAIT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert killed.returncode == -signal.SIGXFSZ, killed.stderr
    assert (tmp_path / "out.csv.partial").stat().st_size == limit and not (tmp_path / "out.csv").exists()
    other = score(*arguments, "--outputs", "label")
    assert other.returncode == 1 and "of other outputs" in other.stderr, other.stderr
    done = score(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["rows"] == 60_000 and 0 < report["rows_before"] < 60_000, report
    assert (tmp_path / "out.csv").read_bytes() == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "rows.csv", "whole.csv"]


def test_a_full_disk_and_a_changed_input(tmp_path):
    source = large_csv(tmp_path / "rows.csv", 30_000)
    expected = whole(tmp_path, source)
    arguments = ["--model", "fraud/1", "--input", source, "--output", tmp_path / "out.csv", "--keep", "id"]

    def full():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    failed = subprocess.run(
        [BINARY, "score", "--repository", MODELS, *arguments], env=SURROUNDINGS, capture_output=True, timeout=WAIT,
        preexec_fn=full, restore_signals=False, text=True)
    assert failed.returncode == 1 and "cannot be written" in failed.stderr and "goes on" in failed.stderr
    os.utime(source)
    done = score(*arguments)
    assert done.returncode == 1 and "--restart" in done.stderr, done.stderr
    assert score(*arguments, "--restart").returncode == 0
    assert (tmp_path / "out.csv").read_bytes() == expected


def test_killed_anywhere(tmp_path):
    """SIGKILL whenever it comes: the same command, until it is through, gives the same file."""
    source = large_csv(tmp_path / "rows.csv", 120_000)
    expected = whole(tmp_path, source)
    command = [
        BINARY, "score", "--repository", MODELS, "--model", "fraud/1", "--input", source, "--output",
        tmp_path / "out.csv", "--keep", "id"]
    seed = random.Random(2)
    for _ in range(12):
        process = subprocess.Popen(command, env=SURROUNDINGS, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            process.wait(seed.uniform(0.01, 0.15))
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(WAIT)
        finally:
            process.stderr.close()
    if not (tmp_path / "out.csv").exists():
        assert subprocess.run(command, env=SURROUNDINGS, timeout=WAIT, capture_output=True).returncode == 0
    assert (tmp_path / "out.csv").read_bytes() == expected


#: Runs a command and prints the KiB that it had at most. A small process does it: a child's figure begins with that of
#: whoever started it, and that of the tests is large.
PEAK = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def test_memory_does_not_grow_with_the_file(tmp_path):
    peaks = []
    for count in (5_000, 200_000):
        source = large_csv(tmp_path / f"{count}.csv", count)
        done = subprocess.run(
            [sys.executable, "-c", PEAK, BINARY, "score", "--repository", MODELS, "--model", "fraud/1", "--input", source,
             "--output", tmp_path / f"{count}.out.csv"], env=SURROUNDINGS, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout.split()[-1]) / 1024)
        source.unlink()
    assert peaks[1] < 200 and peaks[1] < peaks[0] + 24, peaks


def test_progress_on_a_terminal(tmp_path):
    """Rate and time left are shown while it runs, on a terminal alone."""
    source = large_csv(tmp_path / "rows.csv", 150_000)
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [BINARY, "score", "--repository", MODELS, "--model", "fraud/1", "--input", source, "--output",
         tmp_path / "out.csv", "--threads", "1"], env=SURROUNDINGS, stdout=subprocess.PIPE, stderr=secondary)
    os.close(secondary)
    shown = b""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        try:
            data = os.read(primary, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
    os.close(primary)
    assert process.wait(WAIT) == 0
    process.stdout.close()
    text = shown.decode()
    assert "fraud/1" in text and "rows/s" in text and "left" in text and "%" in text, text
