#!/usr/bin/env bash
# Holds a candidate bundle against its budgets on this machine, and fails the build when one breaks.
#
#   config/ci/loadtest.sh CANDIDATE_MODELS [BASELINE_MODELS] [-- flags of serin loadtest]
#
# First the payment path (loadtest/payment.yaml): the candidate alone, inside the 10 ms. Then the candidate beside the
# repository that serves (loadtest/candidate.yaml): both are served on free ports and asked at the same time, so a slow or
# noisy runner slows both. Exit code, of the first that is not fine: 0 fine, 1 a budget is broken, 2 wrong usage, 3
# something did not start or could not be judged.
# SERIN names the binary, PAYMENT another first scenario, SCENARIO another second one with the targets candidate and baseline,
# RESULTS where results go: payment.* and candidate.*.
set -euo pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
serin=${SERIN:-$here/.build/release/serin}
payment=${PAYMENT:-$here/loadtest/payment.yaml}
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

# Runs a scenario; its results are $results/NAME.*.
code=0
run() {
    local name=$1 scenario=$2 ended=0
    shift 2
    "$serin" loadtest "$scenario" --models "$candidate" "$@" --json "$results/$name.json" --junit "$results/$name.xml" \
        --html "$results/$name.html" || ended=$?
    [ "$code" -ne 0 ] || code=$ended
}

run payment "$payment" --target "http://127.0.0.1:$(cat "$work/candidate.port")" "$@"
run candidate "$scenario" --target "candidate=http://127.0.0.1:$(cat "$work/candidate.port")" \
    --target "baseline=http://127.0.0.1:$(cat "$work/baseline.port")" "$@"
exit "$code"
