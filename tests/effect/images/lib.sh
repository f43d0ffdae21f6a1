# Shared by the images' build scripts, which run as root: ROOT is the folder that becomes the image.
set -eu

# base SUITE PACKAGES: Debian, with nothing but what is named.
base() {
    debootstrap --variant=minbase --include="$2" "$1" "$ROOT" >"$ROOT.log" 2>&1 || {
        tail -n 20 "$ROOT.log" >&2
        exit 1
    }
    rm -f "$ROOT.log"
    # Name look-ups and the package index as on this machine.
    cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
    for config in /etc/pip.conf /etc/npmrc; do
        if [ -e "$config" ]; then cp "$config" "$ROOT/etc/"; fi
    done
    cp -r /etc/ssl/certs "$ROOT/etc/ssl/"
}

# inside COMMAND...: run in the image, with its own processes in /proc, and none that outlive it.
inside() {
    unshare --mount --pid --fork --root "$ROOT" --mount-proc \
        /usr/bin/env -i PATH=/opt/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
}

# versions PACKAGES...: what the image is made of, for those who read what was measured.
versions() {
    {
        inside dpkg-query --show --showformat '${Package} ${Version}\n' "$@"
        if [ -d "$ROOT/opt/venv" ]; then
            inside pip list --disable-pip-version-check --format=freeze | grep -v -e '^pip=' -e '^setuptools='
        fi
    } >"$ROOT/versions"
}

# slim: what is only of use while building goes.
slim() {
    rm -rf "$ROOT"/var/cache/apt/* "$ROOT"/var/lib/apt/lists/* "$ROOT"/usr/share/doc/* "$ROOT"/usr/share/man/* \
        "$ROOT"/usr/share/locale/* "$ROOT"/root/.cache "$ROOT"/tmp/* "$ROOT"/var/log/*
    find "$ROOT" -name __pycache__ -type d -prune -exec rm -rf {} +
    # Else each start of a program compiles its modules again. By content, as the archive gives every file the same time.
    for python in "$ROOT"/usr/lib/python3.[0-9]* "$ROOT"/opt/venv/lib; do
        if [ -d "$python" ]; then
            inside python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash "${python#"$ROOT"}" >"$ROOT.log" || :
            rm -f "$ROOT.log"
        fi
    done
}
