#!/bin/sh
# A plain Java server, and Tomcat: `build.sh ROOT` fills the folder ROOT, as root.
ROOT=$1
here=$(dirname "$0")
. "$here/../lib.sh"

base trixie ca-certificates,tini
inside apt-get update -qq
inside apt-get install -qq -y --no-install-recommends default-jre-headless tomcat10 ecj >/dev/null

cp -r "$here/app" "$ROOT/app"
# What `ecj` would run, were all of it on the class path that it sets.
jars=/usr/share/java
inside java -cp "$jars/eclipse-jdt-core.jar:$jars/eclipse-jdt-core-compiler-batch.jar" org.eclipse.jdt.internal.compiler.batch.Main -17 -d /app /app/Shop.java
cp "$ROOT/etc/tomcat10/web.xml" "$ROOT/app/tomcat/conf/"
mkdir -p "$ROOT/app/tomcat/temp" "$ROOT/app/tomcat/logs" "$ROOT/app/tomcat/work"
# On the PATH, and with its folder, as in the official image.
cat >"$ROOT/usr/share/tomcat10/bin/setenv.sh" <<"END"
CATALINA_BASE=/app/tomcat CATALINA_TMPDIR=/app/tomcat/temp
END
ln -s /usr/share/tomcat10/bin/catalina.sh "$ROOT/usr/local/bin/catalina.sh"
versions openjdk-21-jre-headless tomcat10
slim
