#!/bin/bash
# Run once by the image of PostgreSQL, when its volume is new: the roles and
# databases of the product and of Temporal, each with no more than it needs.
set -euo pipefail

secret() { cat "/run/secrets/$1"; }

# The passwords go in by variables of psql, which quotes them.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
	--set owner_password="$(secret guiling_owner_password)" \
	--set app_password="$(secret guiling_app_password)" \
	--set temporal_password="$(secret temporal_password)" <<'SQL'
-- Owns the tables and runs the migrations.
CREATE ROLE guiling_owner LOGIN CREATEROLE PASSWORD :'owner_password';
-- What the application works as. The migrations grant it its rights: it cannot
-- change tables, nor rewrite what has happened.
CREATE ROLE guiling_app NOLOGIN;
CREATE ROLE guiling LOGIN PASSWORD :'app_password' IN ROLE guiling_app;
CREATE DATABASE guiling OWNER guiling_owner;

CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;

-- By default everyone may connect to every database.
REVOKE ALL ON DATABASE guiling, temporal, temporal_visibility, postgres FROM PUBLIC;
GRANT CONNECT ON DATABASE guiling TO guiling_app;
SQL
