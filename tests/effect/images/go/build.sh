#!/bin/sh
# A server of Go's net/http, built by this machine's Go: `build.sh ROOT` fills the folder ROOT, as root.
ROOT=$1
here=$(dirname "$0")
. "$here/../lib.sh"

base trixie ca-certificates,tini
CGO_ENABLED=0 GOTOOLCHAIN=local go build -trimpath -o "$ROOT/usr/local/bin/shop" "$here/main.go"
go version | cut -d ' ' -f 2,3 >"$ROOT/versions"
slim
