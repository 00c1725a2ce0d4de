#!/usr/bin/env bash
# Looks into a deb or an rpm: its list of files and what it asks for; what is in a
# deb is also started, without installing it. Needs a display.
# Usage: check.sh PACKAGE.deb|PACKAGE.rpm
set -euo pipefail

folder=$(mktemp -d)
program=
clean() {
  [ -z "$program" ] || kill "$program" 2>/dev/null || true
  rm -rf "$folder"
}
trap clean EXIT
fail() {
  echo "check.sh: $1: $2" >&2
  exit 1
}

wanted=(bin/charmkeeper bin/charmkeeper-desktop share/applications/Charmkeeper.desktop
  share/metainfo/app.charmkeeper.Charmkeeper.metainfo.xml share/man/man1/charmkeeper.1.gz
  share/bash-completion/completions/charmkeeper share/fish/vendor_completions.d/charmkeeper.fish
  share/icons/hicolor/scalable/apps/charmkeeper.svg share/icons/hicolor/48x48/apps/charmkeeper.png)

case "$1" in
  *.rpm)
    # Mode, size and name of each file; the checksums of the whole.
    rpm --query --package --queryformat '[%{FILEMODES:perms} %{FILESIZES} %{FILENAMES}\n]' "$1" >"$folder/list"
    for file in "${wanted[@]}" share/zsh/site-functions/_charmkeeper; do
      grep -Eq "^-[rwx-]+ [1-9][0-9]* /usr/$file\$" "$folder/list" || fail "$1" "/usr/$file is missing or empty"
    done
    for file in bin/charmkeeper bin/charmkeeper-desktop; do
      grep -Eq "^-rwxr-xr-x [0-9]+ /usr/$file\$" "$folder/list" || fail "$1" "/usr/$file cannot be run"
    done
    rpm --checksig --nosignature "$1" >/dev/null || fail "$1" "it is damaged"
    rpm --query --package --requires "$1" | grep -q 'webkit2gtk' || fail "$1" "it does not ask for WebKit"
    echo "check.sh: $1 holds what it should"
    exit 0 ;;
esac

dpkg-deb --extract "$1" "$folder/root"
bin=$folder/root/usr/bin
for file in "${wanted[@]}" share/zsh/vendor-completions/_charmkeeper share/doc/charmkeeper/copyright; do
  [ -s "$folder/root/usr/$file" ] || fail "$1" "/usr/$file is missing or empty"
done
for package in libwebkit2gtk-4.1-0 libgtk-3-0 libayatana-appindicator3-1; do
  dpkg-deb --field "$1" Depends | grep -q "$package" || fail "$1" "it does not ask for $package"
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
