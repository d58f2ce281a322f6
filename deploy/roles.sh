#!/bin/sh
# Runs once, when the database's volume is new: the three roles, with the passwords mounted as secrets, and the
# database that the owner owns. What each role may do with a table is said after every migration (grants.sql).
set -eu

secret() {
    value=$(cat "/run/secrets/$1")
    if [ "${#value}" -lt 16 ]; then
        echo "The secret $1 needs at least 16 characters." >&2
        exit 1
    fi
    printf '%s' "$value"
}

OWNER_PASSWORD=$(secret database_owner_password)
APP_PASSWORD=$(secret database_app_password)
BACKUP_PASSWORD=$(secret database_backup_password)
export OWNER_PASSWORD APP_PASSWORD BACKUP_PASSWORD

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv owner OWNER_PASSWORD
\getenv app APP_PASSWORD
\getenv backup BACKUP_PASSWORD
CREATE ROLE kypho_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner';
CREATE ROLE kypho_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'app';
CREATE ROLE kypho_backup LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'backup';
GRANT pg_read_all_data TO kypho_backup;
CREATE DATABASE kypho OWNER kypho_owner;
REVOKE ALL ON DATABASE kypho FROM PUBLIC;
GRANT CONNECT ON DATABASE kypho TO kypho_app, kypho_backup;
SQL
