#!/bin/sh
# Celery, Django, Flask, Gunicorn, uWSGI, a job loop, and Redis: `build.sh ROOT` fills the folder ROOT, as root.
ROOT=$1
here=$(dirname "$0")
. "$here/../lib.sh"

base bookworm ca-certificates,python3,python3-venv,libpython3.11,redis-server,tini,dumb-init
inside python3 -m venv /opt/venv
cp "$here/requirements.txt" "$ROOT/tmp/"

# uWSGI comes as source only.
inside apt-get update -qq
inside apt-get install -qq -y --no-install-recommends gcc libc6-dev python3-dev >/dev/null
inside pip install -q --disable-pip-version-check -r /tmp/requirements.txt
inside apt-get purge -qq -y --autoremove gcc libc6-dev python3-dev >/dev/null

cp -r "$here/app" "$ROOT/app"
# Both folders that applications start in.
mv "$ROOT/app/journal.py" "$ROOT"/opt/venv/lib/python3*/site-packages/
cp "$ROOT/app/gunicorn.conf.py" "$ROOT/app/site/"
versions redis-server tini dumb-init python3 bash dash
slim
