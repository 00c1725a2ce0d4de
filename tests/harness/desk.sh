#!/bin/sh
# Runs a command on a desktop of its own: a virtual display and a window
# manager. Each test brings its own session bus, keyring and panel.
#
#   desk.sh COMMAND [ARGUMENT...]
#
# The command finds the display in DISPLAY and in CHARMKEEPER_TEST_DESK; desktop
# tests insist on the latter, so that none runs on a person's own screen. Needs
# xvfb and openbox. Exits with the command's status, or with 2 when the desktop
# could not be made.
set -eu

say() {
    echo "desk.sh: $*" >&2
}

[ "$#" -ge 1 ] || { echo "usage: $0 COMMAND [ARGUMENT...]" >&2; exit 2; }
for tool in Xvfb:xvfb openbox:openbox wmctrl:wmctrl WebKitWebDriver:webkit2gtk-driver dbus-daemon:dbus; do
    command -v "${tool%%:*}" >/dev/null || {
        say "${tool%%:*} is missing (apt-get install ${tool#*:})"
        exit 2
    }
done

folder=$(mktemp -d)
screen=
manager=
clean() {
    [ -z "$manager" ] || kill "$manager" 2>/dev/null || true
    [ -z "$screen" ] || kill "$screen" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

# The server chooses a free number itself and writes it when it is ready.
Xvfb -displayfd 3 -screen 0 1280x900x24 -nolisten tcp -noreset \
    3>"$folder/display" >"$folder/xvfb.log" 2>&1 &
screen=$!
tries=0
until [ -s "$folder/display" ]; do
    tries=$((tries + 1))
    if [ "$tries" -ge 100 ] || ! kill -0 "$screen" 2>/dev/null; then
        say "the virtual display did not start:"
        cat "$folder/xvfb.log" >&2
        exit 2
    fi
    sleep 0.1
done
DISPLAY=:$(cat "$folder/display")
CHARMKEEPER_TEST_DESK=$DISPLAY
export DISPLAY CHARMKEEPER_TEST_DESK
unset WAYLAND_DISPLAY XDG_CURRENT_DESKTOP

HOME=$folder XDG_CONFIG_HOME=$folder XDG_CACHE_HOME=$folder XDG_DATA_HOME=$folder \
    openbox >"$folder/openbox.log" 2>&1 &
manager=$!
tries=0
until wmctrl -m >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { say "the window manager did not start"; exit 2; }
    sleep 0.1
done

status=0
"$@" || status=$?
exit "$status"
