#!/bin/sh
# Registers the namespace when it is absent. TEMPORAL_ADDRESS and
# TEMPORAL_NAMESPACE are read by the command itself.
set -eu

# The frontend listens a little before it answers.
tries=0
until temporal operator cluster health; do
	tries=$((tries + 1))
	[ "$tries" -lt 30 ] || exit 1
	sleep 2
done

# A closed history is archived by the product when its case closes; the server
# deletes its own copy after 30 days.
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
	temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d
