#!/bin/sh
# Queue workers in Python, and Redis: `build.sh ROOT` fills the folder ROOT, as root.
ROOT=$1
here=$(dirname "$0")
. "$here/../lib.sh"

base trixie ca-certificates,python3,python3-venv,redis-server,tini
inside python3 -m venv /opt/venv
cp "$here/requirements.txt" "$ROOT/tmp/"
inside pip install -q --disable-pip-version-check -r /tmp/requirements.txt

cp -r "$here/app" "$ROOT/app"
versions redis-server
slim
