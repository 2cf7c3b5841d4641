#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# setup.sh packages NAME...   install the Debian packages that are missing (sudo when not root)
# setup.sh python FILE        install pinned Python packages into build/venv
set -eu
case "$1" in
packages)
    shift
    missing=""
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $name"
    done
    [ -z "$missing" ] && exit 0
    echo "Installing Debian packages:$missing"
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # names are words
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
    ;;
python)
    [ -x build/venv/bin/python ] || python3 -m venv build/venv
    echo "Installing Python packages of $2 into build/venv"
    build/venv/bin/python -m pip install --quiet --disable-pip-version-check --progress-bar on -r "$2"
    ;;
esac
