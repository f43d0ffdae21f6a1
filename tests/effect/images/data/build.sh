#!/bin/sh
# Databases: `build.sh ROOT` fills the folder ROOT, as root.
ROOT=$1
here=$(dirname "$0")
. "$here/../lib.sh"

base trixie ca-certificates,tini
# Of a number that the pods can name.
inside useradd --system --uid 70 --user-group --home-dir /app postgres
inside apt-get update -qq
inside apt-get install -qq -y --no-install-recommends postgresql redis-server >/dev/null
cp -r "$here/app" "$ROOT/app"

# On the PATH, as in the official image.
bin=$(cd "$ROOT" && ls -d usr/lib/postgresql/*/bin)
ln -s "/$bin/postgres" "$ROOT/usr/local/bin/postgres"
inside install -d -o postgres -g postgres /app/postgres
inside setpriv --reuid postgres --regid postgres --clear-groups "/$bin/initdb" -D /app/postgres --auth trust >/dev/null
cat >>"$ROOT/app/postgres/postgresql.conf" <<"END"
listen_addresses = '*'
port = 8000
unix_socket_directories = '/tmp'
# Removed when it has shut down.
external_pid_file = '/own/postgres.pid'
END
echo 'host all all all trust' >>"$ROOT/app/postgres/pg_hba.conf"
version=${bin#usr/lib/postgresql/}
versions "postgresql-${version%/bin}" redis-server
slim
