#!/usr/bin/env bash
# Runs a command that says nothing for minutes, and reports every 20 seconds
# that it still works: patient.sh WHAT COMMAND...
set -euo pipefail
what=$1
shift
every=${PATIENT_SECONDS:-20}

# sleep must not hold our output open when the command has ended before it.
while sleep "$every" >/dev/null 2>&1 </dev/null; do
	printf '… still %s (%d:%02d)\n' "$what" $((SECONDS / 60)) $((SECONDS % 60))
done &
reporter=$!
trap 'kill "$reporter" 2>/dev/null || true' EXIT

"$@"
