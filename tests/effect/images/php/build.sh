#!/bin/sh
# PHP-FPM, to which FastCGI is spoken: `build.sh ROOT` fills the folder ROOT, as root.
ROOT=$1
here=$(dirname "$0")
. "$here/../lib.sh"

base trixie ca-certificates,tini,php-fpm
ln -s "$(cd "$ROOT/usr/sbin" && ls php-fpm8*)" "$ROOT/usr/sbin/php-fpm"

cp -r "$here/app" "$ROOT/app"
versions php-fpm
slim
