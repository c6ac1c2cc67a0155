#!/usr/bin/env bash
# Looks for what `make run` or `make test` needs and installs what is missing
# with apt-get, when we are root and apt-get is there; otherwise says what to
# install. Changes nothing when everything is there: setup.sh run|test
set -euo pipefail
purpose=${1:?run or test}

PATH=$PATH:/usr/local/go/bin
go_wanted=1.26

die() {
	printf '%s\n' "$@" >&2
	exit 1
}

check_go() {
	local have
	have=$(go env GOVERSION 2>/dev/null) || die "Go $go_wanted or newer is needed, and no go was found on PATH."
	have=${have#go}
	# sort -V puts the older first.
	[ "$(printf '%s\n' "$go_wanted" "$have" | sort -V | head -n 1)" = "$go_wanted" ] ||
		die "Go $go_wanted or newer is needed; this is $have."
}

has_postgres() {
	[ -z "${GUILING_POSTGRES_BIN:-}" ] || return 0
	# A server that is there already needs no programs here.
	[ "$purpose" = test ] || [ -z "${GUILING_DATABASE_URL:-}${GUILING_DATABASE_URL_FILE:-}" ] || return 0
	[ "$purpose" = run ] || [ -z "${GUILING_TEST_DATABASE_URL:-}" ] || return 0
	command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
		compgen -G '/usr/pgsql-*/bin/initdb' >/dev/null
}

has_chinese_font() {
	if command -v fc-list >/dev/null; then
		[ -n "$(fc-list :lang=zh-cn file)" ]
	else
		compgen -G '/usr/share/fonts/*/noto/NotoSansCJK*' >/dev/null
	fi
}

missing=()
check_go
has_postgres || missing+=(postgresql)
if [ "$purpose" = test ]; then
	command -v chromium >/dev/null || missing+=(chromium)
	has_chinese_font || missing+=(fonts-noto-cjk)
	# The race detector is linked by a C compiler.
	command -v gcc >/dev/null || missing+=(gcc libc6-dev)
fi
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
	die "Missing here: ${missing[*]}" \
		"Please install them; on RHEL, openEuler and Kylin Server PostgreSQL is the package postgresql-server." \
		"GUILING_POSTGRES_BIN may name the folder that holds initdb and postgres, version 15 or newer."
fi
if [ "$(id -u)" != 0 ]; then
	die "Missing here: ${missing[*]}. Please run:" "  sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}"
fi

# Debian makes and starts a database cluster with the package. We start our own
# with its data under ./var, so this one would only take memory and a port. The
# file is for this installation alone.
drop_in=/etc/postgresql-common/createcluster.d/guiling.conf
trap 'rm -f "$drop_in"' EXIT
mkdir -p "${drop_in%/*}"
echo 'create_main_cluster = false' >"$drop_in"

echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt_get() { apt-get --quiet --option Acquire::Retries=3 --option Acquire::Languages=none --option Dpkg::Use-Pty=0 "$@"; }
apt_get update
apt_get install --yes --no-install-recommends "${missing[@]}"
