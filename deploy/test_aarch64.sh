#!/bin/sh
# Installs a bundle on an emulated 64-bit ARM Debian, without any network and as a plain user, and reads a picture there.
# Usage, as root on Debian: test_aarch64.sh BUNDLE
# The emulated Debian is made once, in $AARCH64_ROOT, by default /var/tmp/digitpad-aarch64: 300 MB, some minutes.
set -eu
bundle=$1 root=${AARCH64_ROOT:-/var/tmp/digitpad-aarch64} suite=bookworm

fail() {
    echo "test-aarch64: $1" >&2
    exit 1
}

[ -f "$bundle" ] || fail "$bundle: no such bundle; make it: make bundle TARGET=linux-aarch64 PYTHON=3.11"
[ "$(id -u)" = 0 ] || fail "needs root: only root may chroot and mount"
for tool in debootstrap qemu-aarch64-static update-binfmts unshare; do
    command -v $tool >/dev/null || fail "$tool is missing: apt install debootstrap qemu-user-static binfmt-support"
done

# Programs for ARM are started through qemu from here on.
mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
[ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64

if [ ! -e "$root/.complete" ]; then
    # From the mirror of this machine's own packages, if it is a Debian mirror.
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' | sed -n "s/ $suite\$//p" | head -n 1)
    rm -rf "$root"
    echo "test-aarch64: making a Debian for arm64 in $root"
    # Only Python, as on a device without python3-venv.
    debootstrap --arch=arm64 --foreign --variant=minbase --include=python3 $suite "$root" ${mirror:+"$mirror"} \
        >"$root.log" 2>&1 || fail "debootstrap fails: see $root.log"
    chroot "$root" /debootstrap/debootstrap --second-stage >>"$root.log" 2>&1 || fail "debootstrap fails: see $root.log"
    chroot "$root" useradd --no-create-home visitor
    touch "$root/.complete"
fi

rm -rf "$root/bundle" "$root/opt/digitpad"
mkdir "$root/bundle"
tar --extract --file "$bundle" --directory "$root/bundle" --strip-components 1
chmod -R a-w "$root/bundle"
mkdir "$root/opt/digitpad"
chroot "$root" chown visitor /opt/digitpad

# A seven, as a picture file in the simplest format there is.
python3 - "$root/opt/digitpad-seven.pgm" <<'PYTHON'
import sys

def ink(x, y):
    return (abs(y - 40) < 6 and 50 < x < 140) or (40 <= y < 160 and abs(x - 140 + (y - 40) * 0.5) < 7)

rows = (bytes(0 if ink(x, y) else 255 for x in range(200)) for y in range(200))
open(sys.argv[1], "wb").write(b"P5 200 200 255\n" + b"".join(rows))
PYTHON

# In a network of its own that leads nowhere, with /sys as on every system, and an empty environment: no HOME.
# WAY is rw, or ro for a file system that cannot be written to at all.
arm() {
    way=$1
    shift
    unshare --net --mount sh -eu -c '
        mount --bind "$1" "$1"
        mount -t sysfs none "$1/sys"
        mount -o "remount,bind,$2" "$1"
        root=$1
        shift 2
        exec chroot --userspec=visitor "$root" /usr/bin/env -i PATH=/usr/bin:/bin "$@"' \
        sh "$root" "$way" "$@"
}

arm rw uname -m
arm rw sh /bundle/install.sh /opt/digitpad
arm ro /opt/digitpad/digitpad doctor
answer=$(arm ro /opt/digitpad/digitpad predict /opt/digitpad-seven.pgm --model both --format csv)
echo "$answer"
[ "$(echo "$answer" | cut -d, -f4 | tail -n 2 | tr '\n' ' ')" = "7 7 " ] || fail "the picture of a seven is not read as one"
echo "test-aarch64: passed"
