#!/usr/bin/env bash
# Holds a candidate bundle against the repository that serves, on this machine, and fails the build when a budget breaks.
#
#   config/ci/loadtest.sh CANDIDATE_MODELS [BASELINE_MODELS] [-- flags of serin loadtest]
#
# Both repositories are served beside each other on free ports and asked alternately in one run (loadtest/candidate.yaml), so
# a slow or noisy runner slows both. Exit code: 0 fine, 1 a budget is broken, 2 wrong usage, 3 something did not start.
# SERIN names the binary, SCENARIO another scenario with the targets candidate and baseline, RESULTS where results go.
set -euo pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
serin=${SERIN:-$here/.build/release/serin}
scenario=${SCENARIO:-$here/loadtest/candidate.yaml}
results=${RESULTS:-loadtest-results}

[ $# -ge 1 ] || { sed -n '2,4p' "$0" | cut -c3- >&2; exit 2; }
candidate=$1
shift
baseline=$here/models
if [ $# -ge 1 ] && [ "$1" != -- ]; then
    baseline=$1
    shift
fi
[ "${1:-}" = -- ] && shift
command -v "$serin" >/dev/null || { echo "no serin at $serin: run make release, or set SERIN" >&2; exit 3; }

mkdir -p "$results"
work=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait || true
    rm -rf "$work"
}
trap finish EXIT

# Serves a repository on free ports; the data plane's is in $work/NAME.port once it is ready.
serve() {
    local name=$1 models=$2
    printf 'listen: {address: 127.0.0.1, port: 0}\nmetrics: {address: 127.0.0.1, port: 0}\nadmin: {address: 127.0.0.1, port: 0}\nreactors: 1\ncache: {path: %s/cache-%s}\n' \
        "$work" "$name" >"$work/$name.yaml"
    "$serin" serve --config "$work/$name.yaml" --models "$models" >"$results/$name.log" 2>&1 &
    pids+=($!)
    for _ in $(seq 600); do
        if grep -q 'ready in' "$results/$name.log"; then
            sed -n 's|.*listening data http://127.0.0.1:\([0-9]*\).*|\1|p' "$results/$name.log" >"$work/$name.port"
            return
        fi
        kill -0 "${pids[-1]}" 2>/dev/null || break
        sleep 0.1
    done
    echo "the $name does not start:" >&2
    tail -n 5 "$results/$name.log" >&2
    exit 3
}

serve candidate "$candidate"
serve baseline "$baseline"
"$serin" loadtest "$scenario" --models "$candidate" \
    --target "candidate=http://127.0.0.1:$(cat "$work/candidate.port")" \
    --target "baseline=http://127.0.0.1:$(cat "$work/baseline.port")" \
    --json "$results/result.json" --junit "$results/junit.xml" --html "$results/result.html" "$@"
