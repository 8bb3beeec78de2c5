"""A strict parser of the Prometheus text format 0.0.4: what a scraper might forgive, it does not."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})(?:,{LABEL})*)\}})? (\S+)$")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}


class Exposition:
    def __init__(self, text: str):
        self.types, self.help = {}, {}
        self.samples: dict[tuple, float] = {}
        assert text.endswith("\n")
        family, ended = None, set()
        for line in text.split("\n")[:-1]:
            if comment := re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line):
                table = self.help if comment[1] == "HELP" else self.types
                assert comment[2] not in table, f"{comment[1]} twice: {line}"
                table[comment[2]] = comment[3]
                if family != comment[2]:
                    assert comment[2] not in ended, f"family in two pieces: {line}"
                    ended.add(family)
                    family = comment[2]
                continue
            self._take(line, family)
        for name, kind in self.types.items():
            assert kind in ("counter", "gauge", "histogram"), name
            if kind == "histogram":
                self._check_histogram(name)

    def _take(self, line: str, family: str):
        sample = SAMPLE.match(line)
        assert sample, f"not a sample: {line}"
        names = [family + suffix for suffix in SUFFIXES.get(self.types[family], ("",))]
        assert sample[1] in names, f"{line} is not of {family}"
        pairs = re.findall(LABEL, sample[2] or "")
        key = (sample[1], frozenset(pairs))
        assert key not in self.samples, f"twice: {line}"
        self.samples[key] = float(sample[7].replace("Inf", "inf"))

    def _check_histogram(self, name: str):
        series: dict[frozenset, list] = {}
        for (sample, labels), value in self.samples.items():
            if sample == name + "_bucket":
                edge = float(dict(labels)["le"].replace("Inf", "inf"))
                series.setdefault(frozenset(pair for pair in labels if pair[0] != "le"), []).append((edge, value))
        assert series, f"{name} has no buckets"
        for labels, buckets in series.items():
            buckets.sort()
            counts = [count for _, count in buckets]
            assert counts == sorted(counts) and buckets[-1][0] == float("inf"), name
            assert self.samples[(name + "_count", labels)] == counts[-1], name
            assert (name + "_sum", labels) in self.samples, name

    def total(self, name: str, **labels) -> float:
        """The sum over the series that carry `labels`."""
        wanted = set(labels.items())
        return sum(value for (sample, pairs), value in self.samples.items() if sample == name and wanted <= pairs)

    def edges(self, name: str, **labels) -> set[float]:
        wanted = set(labels.items())
        return {
            float(dict(pairs)["le"].replace("Inf", "inf"))
            for (sample, pairs) in self.samples
            if sample == name + "_bucket" and wanted <= pairs
        }
