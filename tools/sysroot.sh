#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sysroot.sh ARCHITECTURE FOLDER PACKAGE...   unpack Debian packages of another architecture into FOLDER: nothing is installed, and apt's own lists stay as they are
# A package may be given as NAME|NAME: the first that this Debian has.
set -eu
arch="$1" folder="$2"
shift 2
rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
root="$(cd "$folder" && pwd)"
apt() {
    command="$1"
    shift
    "$command" -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State::Lists="$root/apt/lists" -o Dir::Cache="$root/apt/cache" \
        -o APT::Sandbox::User="$(id -un)" "$@"
}
# The first of the names in $1, which are divided by |.
first() {
    for name in $(echo "$1" | tr '|' ' '); do
        apt apt-cache show "$name" >/dev/null 2>&1 && echo "$name" && return
    done
    echo "$1"
}
echo "Fetching $arch packages: $*"
apt apt-get update
chosen=""
for package in "$@"; do
    chosen="$chosen $(first "$package")"
done
# shellcheck disable=SC2086 # names are words
(cd "$root/apt" && apt apt-get download $chosen)
for package in "$root"/apt/*.deb; do
    dpkg-deb --extract "$package" "$root"
done
# Links with a path of the other machine's root point into the folder instead.
find "$root" -type l -lname '/*' | while read -r link; do
    ln -sf "$root$(readlink "$link")" "$link"
done
rm -rf "$root/apt"
