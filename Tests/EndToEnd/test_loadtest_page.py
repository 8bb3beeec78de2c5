"""The page of `serin loadtest --html` as people see it: a real run's page in headless Chromium, wide and on a phone.

The screenshots and the DOM lie in .build/artefacts. Whether texts cover each other is asked of the browser, which knows
where each one is.
"""

import pytest

from harness.chromium import Chromium
from harness.gateway import ROOT, Gateway
from test_loadtest import PATIENT, loadtest

ARTEFACTS = ROOT / ".build" / "artefacts"
WIDTHS = {"wide": 1200, "phone": 390}
#: The smallest text that a phone's owner reads without a magnifier, in CSS pixels.
SMALLEST = 8

#: The tallest cell of a table, in CSS pixels: taller ones are words below each other.
TALLEST = 100

#: Every text of every chart: its words, and where it is on the screen.
TEXTS = """[...document.querySelectorAll("svg")].map(svg => ({
    title: svg.getAttribute("aria-label"), box: svg.getBoundingClientRect().toJSON(),
    texts: [...svg.querySelectorAll("text")].map(text => ({
        words: text.textContent, isMark: !!text.closest(".mark"), box: text.getBoundingClientRect().toJSON()})),
    circles: [...svg.querySelectorAll("circle")].map(circle => ({
        words: "mark " + circle.parentNode.querySelector("text").textContent, isMark: true,
        box: circle.getBoundingClientRect().toJSON()})),
    curves: [...svg.querySelectorAll("path")].map(path => path.getTotalLength())
}))"""

#: Elements with words of their own that reach out of the window, and are not in a part that scrolls.
CLIPPED = """[...document.querySelectorAll("h1, h2, p, li, .legend span")]
    .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
    .map(element => element.textContent.slice(0, 80))"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(installed, tmp_path_factory):
    """A run with two classes, four versions' lines, steps from the first moment on, one of which fails."""
    folder = tmp_path_factory.mktemp("page")
    canary = {"model": "fraud", "version": "2"}
    shared = {"model": "fraud", "connections": 2, "streams": 50, "timeout": "30s"}
    with Gateway(folder / "gateway", models={"fraud": PATIENT}) as gateway:
        outcome = loadtest(folder / "run", {
            "name": "page", "about": "What a page looks like.", "target": gateway.url,
            "classes": [{"name": "authorise", "api": "v1", **shared}, {"name": "partner", "api": "grpc", **shared}],
            "phases": [
                {"name": "before", "duration": "2s", "load": {"authorise": {"poisson": "80/s"}, "partner": {"constant": "40/s"}}},
                {"name": "shifted", "duration": "6s", "load": {"authorise": {"poisson": "120/s"}, "partner": {"constant": "40/s"}}},
                {"name": "after", "duration": "1600ms", "load": {"authorise": {"poisson": "80/s"}}},
            ],
            "steps": [
                {"at": "0s", "load": dict(canary)}, {"at": "100ms", "canary": {**canary, "percent": 10}},
                {"at": "4s", "canary": {**canary, "percent": 50}}, {"at": "6s", "switch": dict(canary)},
                {"at": "8s", "load": {"model": "fraud", "version": "77"}},
            ],
            "budgets": [
                {"class": "authorise", "phase": "shifted", "p50": "10s", "p99": "20s", "errors": "0%"},
                {"class": "authorise", "against": {"class": "partner"}, "p50": "100x"},
                {"class": "partner", "p99.9": "20s"}, {"class": "authorise", "mismatches": 0},
            ],
        }, "--admin", gateway.admin_url)
    assert outcome.code == 1 and outcome.result and len(outcome.result["marks"]) == 5, outcome
    return outcome


@pytest.fixture(params=WIDTHS)
def opened(request, chromium, page):
    chromium.open(page.html, WIDTHS[request.param])
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    chromium.screenshot(ARTEFACTS / f"loadtest-{request.param}.png")
    (ARTEFACTS / f"loadtest-{request.param}.html").write_text(chromium.evaluate("document.documentElement.outerHTML"))
    return chromium


def overlap(first: dict, second: dict) -> bool:
    """More than a touch."""
    return (min(first["right"], second["right"]) - max(first["left"], second["left"]) > 1
            and min(first["bottom"], second["bottom"]) - max(first["top"], second["top"]) > 1)


def test_it_needs_nothing_but_itself(opened, page):
    assert opened.requests() == [page.html.absolute().as_uri()]
    assert opened.complaints() == []


def test_everything_is_there(opened, page):
    text = opened.evaluate("document.body.innerText")
    assert opened.evaluate("document.title") == "page"
    for words in ("failed", "What a page looks like.", "Budgets", "Latency by percentile", "Latency of authorise over time",
                  "Latency of partner over time", "Answers by version", "Requests", "The generator",
                  "p99 of version 1", "p99 of version 2", "authorise, version 2"):
        assert words in text, words
    for mark in page.result["marks"]:
        assert mark["text"] in text, mark
    assert {"pass", "failed"} <= set(opened.evaluate('[...document.querySelectorAll(".badge")].map(b => b.textContent)'))
    charts = opened.evaluate(TEXTS)
    assert [chart["title"] for chart in charts] == [
        "latency by percentile", "latency of authorise over time", "latency of partner over time", "answers by version"]
    for chart in charts:
        assert len(chart["curves"]) >= 3 and max(chart["curves"]) > 100, (chart["title"], chart["curves"])
        assert len(chart["circles"]) == (0 if "percentile" in chart["title"] else 5), chart["title"]


def test_no_text_covers_another(opened):
    for chart in opened.evaluate(TEXTS):
        # A mark's number is in its circle.
        things = [text for text in chart["texts"] if not text["isMark"]] + chart["circles"]
        for index, thing in enumerate(things):
            for other in things[index + 1:]:
                assert not overlap(thing["box"], other["box"]), (chart["title"], thing, other)


def test_nothing_is_cut_off(opened):
    assert opened.evaluate(CLIPPED) == []
    for chart in opened.evaluate(TEXTS):
        for thing in chart["texts"] + chart["circles"]:
            box, whole = thing["box"], chart["box"]
            assert box["left"] >= whole["left"] - 1 and box["right"] <= whole["right"] + 1, (chart["title"], thing)
            assert box["top"] >= whole["top"] - 1 and box["bottom"] <= whole["bottom"] + 1, (chart["title"], thing)
            assert thing["isMark"] or box["height"] >= SMALLEST, (chart["title"], thing, "too small to read")
    assert opened.evaluate(
        'Math.max(...[...document.querySelectorAll("td")].map(cell => cell.getBoundingClientRect().height))') <= TALLEST
    # Nothing but the tables and the charts scrolls sideways.
    assert opened.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert opened.evaluate("""[...document.querySelectorAll("table, svg")].every(wide => {
        const scroller = wide.closest(".wide");
        return scroller && getComputedStyle(scroller).overflowX == "auto"})""")
