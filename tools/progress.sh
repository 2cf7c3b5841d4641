# SPDX-License-Identifier: Apache-2.0
# For recipes: (COMMANDS) > LOG 2>&1 & . tools/progress.sh; watch $$! LABEL SECONDS LOG
# Says how long something takes that writes into a log, counts the seconds on a terminal, and shows the log's end if it fails.
watch() {
    pid=$1 label=$2 expected=$3 log=$4 passed=0
    echo "Building $label, about $expected s on two cores; log in $log"
    while kill -0 "$pid" 2>/dev/null; do
        sleep 1
        passed=$((passed + 1))
        left=$((expected > passed ? expected - passed : 0))
        [ ! -t 2 ] || printf '\r%s: %d s, about %d s left  ' "$label" "$passed" "$left" >&2
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
    wait "$pid" || {
        code=$?
        tail -n 40 "$log"
        exit $code
    }
}
