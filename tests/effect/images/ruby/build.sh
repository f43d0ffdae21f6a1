#!/bin/sh
# Ruby's servers and its queue worker, and Redis: `build.sh ROOT` fills the folder ROOT, as root.
ROOT=$1
here=$(dirname "$0")
. "$here/../lib.sh"

base trixie ca-certificates,python3,redis-server,tini
inside apt-get update -qq
inside apt-get install -qq -y --no-install-recommends puma unicorn ruby-sidekiq ruby-foreman python3-redis >/dev/null

cp -r "$here/app" "$ROOT/app"
versions ruby puma unicorn ruby-sidekiq ruby-foreman redis-server
slim
