#!/usr/bin/env bash
# Makes the secret files that docker-compose.yml reads, under ./secrets. What is
# there stays as it is: the database was made with it.
set -euo pipefail
cd "$(dirname "$0")/.."

# The containers run as users of their own and must read the files, so these are
# readable; the folder around them is not, and keeps everyone else out.
mkdir -p secrets
chmod 700 secrets
umask 222

write() {
	if [ ! -e "secrets/$1" ]; then
		printf '%s' "$2" >"secrets/$1"
		echo "made secrets/$1"
	fi
}

# Hexadecimal: safe inside a URL.
password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

for name in postgres guiling_owner guiling_app temporal; do
	write "${name}_password" "$(password)"
done
write guiling_database_url \
	"postgres://guiling:$(cat secrets/guiling_app_password)@postgres:5432/guiling?sslmode=disable"
write guiling_migrate_database_url \
	"postgres://guiling_owner:$(cat secrets/guiling_owner_password)@postgres:5432/guiling?sslmode=disable"

# Empty: no password at the smtp server, no channel of the organisation.
for name in smtp_password webhook_url webhook_secret webhook_wecom_url webhook_dingtalk_url webhook_dingtalk_secret; do
	write "$name" ""
done
