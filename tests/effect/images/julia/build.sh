#!/bin/sh
# Julia, and programs that speak K8sDeputy's protocol: `build.sh ROOT` fills the folder ROOT, as root.
#
# The newest Debian with Julia has 1.5, which is too old for K8sDeputy.jl (0.1.7 needs 1.10): app/ has its two sides of
# the protocol, the pid file and the socket, as its documentation and source describe them.
ROOT=$1
here=$(dirname "$0")
. "$here/../lib.sh"

base bullseye ca-certificates,julia,tini
cp -r "$here/app" "$ROOT/app"
versions julia
slim
# Compiled while building, as the root file system may be read-only later.
inside julia -e 'using Sockets'
