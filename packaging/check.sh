#!/usr/bin/env bash
# Looks into a deb and starts what is in it, without installing it. Needs a
# display. Usage: check.sh PACKAGE.deb
set -euo pipefail

folder=$(mktemp -d)
program=
clean() {
  [ -z "$program" ] || kill "$program" 2>/dev/null || true
  rm -rf "$folder"
}
trap clean EXIT
dpkg-deb --extract "$1" "$folder/root"
bin=$folder/root/usr/bin

for file in bin/charmkeeper bin/charmkeeper-desktop share/applications/Charmkeeper.desktop \
  share/metainfo/app.charmkeeper.Charmkeeper.metainfo.xml share/man/man1/charmkeeper.1.gz \
  share/bash-completion/completions/charmkeeper share/icons/hicolor/scalable/apps/charmkeeper.svg; do
  [ -s "$folder/root/usr/$file" ] || { echo "check.sh: $file is missing in $1" >&2; exit 1; }
done
desktop-file-validate "$folder/root/usr/share/applications/Charmkeeper.desktop"

mkdir -m 700 "$folder/home"
export HOME=$folder/home XDG_RUNTIME_DIR=$folder/home CHARMKEEPER_HOME=$folder/home/data
export GDK_BACKEND=x11 NO_AT_BRIDGE=1 WEBKIT_DISABLE_COMPOSITING_MODE=1
# No bus: nothing else may be started, and the window opens in the panel's place.
export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent
unset XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME
"$bin/charmkeeper" --version
CHARMKEEPER_HOME=$folder/home/sandbox "$bin/charmkeeper" sandbox --once >/dev/null

"$bin/charmkeeper-desktop" --background &
program=$!
tries=0
until "$bin/charmkeeper" status >/dev/null 2>&1 && [ -S "$CHARMKEEPER_HOME/keeper.sock" ] &&
  wmctrl -l | grep -q Charmkeeper; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || { echo "check.sh: the installed program did not start" >&2; exit 1; }
  sleep 0.1
done
kill -TERM "$program"
wait "$program"
program=
echo "check.sh: $1 works"
