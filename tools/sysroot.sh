#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sysroot.sh ARCHITECTURE FOLDER PACKAGE...   unpack Debian packages of another architecture into FOLDER: nothing is installed, and apt's own lists stay as they are
set -eu
arch="$1" folder="$2"
shift 2
rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
root="$(cd "$folder" && pwd)"
apt() {
    apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State::Lists="$root/apt/lists" -o Dir::Cache="$root/apt/cache" \
        -o APT::Sandbox::User="$(id -un)" "$@"
}
echo "Fetching $arch packages: $*"
apt update
(cd "$root/apt" && apt download "$@")
for package in "$root"/apt/*.deb; do
    dpkg-deb --extract "$package" "$root"
done
# Links with a path of the other machine's root point into the folder instead.
find "$root" -type l -lname '/*' | while read -r link; do
    ln -sf "$root$(readlink "$link")" "$link"
done
rm -rf "$root/apt"
