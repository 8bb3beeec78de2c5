"""The table as one picture: a dot for each server and figure, on logarithmic axes, since they lie four decades apart.

              requests/s at 32     1 connection, p50 ─ p99     CPU per request    resident     cold start
    Serin            ●                    ●──●                       ●               ●              ●
    …

A self-contained SVG, written by hand: no script, no font and no library of its own.
"""

import math
from dataclasses import dataclass
from html import escape

import report

LABEL_WIDTH, PANEL_WIDTH, GAP, ROW_HEIGHT, HEAD_HEIGHT, FOOT_HEIGHT = 230, 165, 46, 26, 58, 30
ACCENT, PLAIN, LIMIT = "#c2410c", "#475569", "#94a3b8"


@dataclass(frozen=True)
class Panel:
    title: str
    #: The unit, below the title.
    unit: str
    #: The figure, and where it is a range the figure at its end.
    key: str
    end: str | None = None


def panels(connections: int) -> list[Panel]:
    return [
        Panel(f"requests/s at {connections}", "connections, each asking again at once", "rate"),
        Panel("1 connection: p50–p99", "ms", "alone_p50", "alone_p99"),
        Panel("CPU time per request", "µs", "cpu_micros"),
        Panel("resident memory", "MiB", "resident_mib"),
        Panel("cold start", "s", "cold_start")]


class Axis:
    """Whole decades over all values."""

    def __init__(self, values: list[float], left: float):
        self.first = math.floor(math.log10(min(values)))
        self.last = max(math.ceil(math.log10(max(values))), self.first + 1)
        self.left = left

    def place(self, value: float) -> float:
        return self.left + PANEL_WIDTH * (math.log10(value) - self.first) / (self.last - self.first)

    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.first, self.last + 1)]


def short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def text(x: float, y: float, words: str, anchor: str = "start", size: int = 12, color: str = "#1e293b", bold: bool = False):
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{color}"{weight}>{escape(words)}</text>'


def color(entry: report.Entry) -> str:
    if entry.kind.is_limit:
        return LIMIT
    return ACCENT if entry.kind.name.startswith("serin") else PLAIN


def draw_panel(panel: Panel, entries: list[report.Entry], left: float, bottom: float) -> list[str]:
    figures = [entry.figures() for entry in entries]
    starts = [figure[panel.key] for figure in figures]
    ends = [figure[panel.end or panel.key] for figure in figures]
    axis = Axis(starts + ends, left)
    marks = [text(left, 20, panel.title, bold=True), text(left, 36, panel.unit, size=10, color="#64748b")]
    for tick in axis.ticks():
        x = axis.place(tick)
        marks.append(f'<line x1="{x:.1f}" y1="{HEAD_HEIGHT - 10}" x2="{x:.1f}" y2="{bottom:.1f}" stroke="#e2e8f0"/>')
        marks.append(text(x, bottom + 14, short(tick), "middle", 10, "#64748b"))
    for index, (entry, start, end) in enumerate(zip(entries, starts, ends)):
        y = HEAD_HEIGHT + ROW_HEIGHT * (index + 0.5)
        marks += draw_value(axis, y, start, end, color(entry), left)
    return marks


def draw_value(axis: Axis, y: float, start: float, end: float, paint: str, left: float) -> list[str]:
    """A dot, or two with a line between; the number on the side that has room."""
    first, last = axis.place(start), axis.place(end)
    marks = [f'<circle cx="{first:.1f}" cy="{y:.1f}" r="4.5" fill="{paint}"/>']
    words = short(start)
    if end != start:
        marks.append(f'<line x1="{first:.1f}" y1="{y:.1f}" x2="{last:.1f}" y2="{y:.1f}" stroke="{paint}" stroke-width="2"/>')
        marks.append(f'<circle cx="{last:.1f}" cy="{y:.1f}" r="3" fill="{paint}"/>')
        words = f"{short(start)}–{short(end)}"
    if last + 8 + 6.5 * len(words) < left + PANEL_WIDTH + GAP / 2:
        marks.append(text(last + 8, y + 4, words, size=11, color=paint))
    else:
        marks.append(text(first - 8, y + 4, words, "end", 11, paint))
    return marks


def svg(entries: list[report.Entry], connections: int) -> str:
    rows = report.measured(entries)
    shown = panels(connections)
    width = LABEL_WIDTH + len(shown) * (PANEL_WIDTH + GAP)
    bottom = HEAD_HEIGHT + ROW_HEIGHT * len(rows) + 4
    marks = []
    for index, entry in enumerate(rows):
        y = HEAD_HEIGHT + ROW_HEIGHT * (index + 0.5)
        marks.append(f'<line x1="0" y1="{y + ROW_HEIGHT / 2:.1f}" x2="{width}" y2="{y + ROW_HEIGHT / 2:.1f}" stroke="#f1f5f9"/>')
        is_bold = entry.kind.name.startswith("serin")
        marks.append(text(LABEL_WIDTH - 14, y + 4, entry.kind.title, "end", 12, color(entry), is_bold))
    for index, panel in enumerate(shown):
        marks += draw_panel(panel, rows, LABEL_WIDTH + index * (PANEL_WIDTH + GAP), bottom)
    marks.append(text(LABEL_WIDTH - 14, bottom + 14, "logarithmic axes", "end", 10, "#64748b"))
    height = bottom + FOOT_HEIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}" '
        f'font-family="system-ui, sans-serif" role="img" aria-label="Serin beside other servers">\n'
        f'<rect width="{width}" height="{height:.0f}" fill="#ffffff"/>\n' + "\n".join(marks) + "\n</svg>\n")
