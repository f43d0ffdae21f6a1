#!/bin/sh
# A Spring Boot server, with two versions of it: `build.sh ROOT` fills the folder ROOT, as root.
ROOT=$1
here=$(dirname "$0")
. "$here/../lib.sh"

# shop VERSION FOLDER: the server with that version of Spring Boot, taken apart as its documentation says for images.
shop() {
    rm -rf "$ROOT/tmp/shop"
    cp -r "$here" "$ROOT/tmp/shop"
    sed -i "s/@VERSION@/$1/" "$ROOT/tmp/shop/pom.xml"
    inside mvn --quiet --batch-mode --file /tmp/shop -Dmaven.repo.local=/tmp/repository package
    mkdir -p "$ROOT$2"
    inside sh -c "cd $2 && jar -xf /tmp/shop/target/shop.jar"
    echo "spring-boot $1" >>"$ROOT/tmp/versions"
}

base trixie ca-certificates,tini
# Java's own store is made, when it is installed, of the certificates that this links.
cp -r /usr/local/share/ca-certificates "$ROOT/usr/local/share/"
inside update-ca-certificates >/dev/null
inside apt-get update -qq
inside apt-get install -qq -y --no-install-recommends default-jre-headless >/dev/null
inside apt-get install -qq -y --no-install-recommends default-jdk-headless maven >/dev/null
# Maven Central as on this machine.
for settings in etc/maven/settings.xml root/.m2/settings.xml; do
    if [ -e "/$settings" ]; then install -D "/$settings" "$ROOT/$settings"; fi
done
# Graceful shutdown is the default from 3.4 on.
shop 4.0.7 /app/spring
shop 3.3.13 /app/spring33
inside apt-get purge -qq -y --auto-remove default-jdk-headless maven >/dev/null
rm -rf "$ROOT/root/.m2"
versions openjdk-21-jre-headless
cat "$ROOT/tmp/versions" >>"$ROOT/versions"
slim
