#!/bin/sh
# Runs a command on a private D-Bus session whose keychain is in a given state.
#
#   keyring.sh ready|locked|nocollection|none|nobus COMMAND [ARGUMENT...]
#
# ready         a real gnome-keyring, unlocked
# locked        a real gnome-keyring with a default keyring that is locked
# nocollection  a real gnome-keyring that was never given a password
# none          a bus on which nothing provides the Secret Service
# nobus         no bus at all
#
# The command runs with its own HOME and XDG_RUNTIME_DIR, so that nothing of
# the person who runs it is read or written; Rust's folders stay where they are.
# It finds the state in CHARMKEEPER_TEST_KEYRING and the keyring's password in
# CHARMKEEPER_TEST_KEYRING_PASSWORD. Needs dbus and, for the first three states,
# gnome-keyring. Exits with the command's status, or with 2 when the state could
# not be reached.
set -eu

usage() {
    echo "usage: $0 ready|locked|nocollection|none|nobus COMMAND [ARGUMENT...]" >&2
    exit 2
}

say() {
    echo "keyring.sh: $*" >&2
}

need() {
    command -v "$1" >/dev/null || { say "$1 is missing (apt-get install $2)"; exit 2; }
}

# True once the Secret Service answers on this bus.
answers() {
    dbus-send --session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus \
        org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets 2>/dev/null |
        grep -q 'boolean true'
}

wait_until() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { say "gave up waiting for: $*"; exit 2; }
        sleep 0.1
    done
}

gone() {
    ! kill -0 "$1" 2>/dev/null
}

# The daemon in the foreground, so that its process id is known. With a
# password it unlocks the default keyring, and makes it when there is none.
start_daemon() {
    if [ "$1" = unlocked ]; then
        printf %s "$CHARMKEEPER_TEST_KEYRING_PASSWORD" |
            gnome-keyring-daemon --unlock --foreground --components=secrets \
                >"$KEYRING_LOG" 2>&1 &
    else
        gnome-keyring-daemon --foreground --components=secrets >"$KEYRING_LOG" 2>&1 &
    fi
    daemon=$!
    wait_until answers
}

stop_daemon() {
    kill "$daemon" 2>/dev/null || true
    wait_until gone "$daemon"
}

# Second stage, on the private bus.
on_the_bus() {
    daemon=
    # Before anything else touches the bus: a keyring that something else has
    # started is not unlocked by a second one.
    case $CHARMKEEPER_TEST_KEYRING in
    ready)
        start_daemon unlocked
        ;;
    locked)
        start_daemon unlocked
        stop_daemon
        start_daemon as-it-is
        ;;
    nocollection)
        start_daemon as-it-is
        ;;
    none) ;;
    esac
    status=0
    "$@" || status=$?
    [ -z "$daemon" ] || stop_daemon
    exit "$status"
}

if [ "${1:-}" = --on-the-bus ]; then
    shift
    on_the_bus "$@"
fi

[ "$#" -ge 2 ] || usage
state=$1
shift
case $state in
ready | locked | nocollection) need gnome-keyring-daemon gnome-keyring ;;
none | nobus) ;;
*) usage ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM HUP
mkdir -m 700 "$folder/home" "$folder/run" "$folder/services"

CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}
RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
HOME=$folder/home
XDG_RUNTIME_DIR=$folder/run
KEYRING_LOG=$folder/keyring.log
CHARMKEEPER_TEST_KEYRING=$state
CHARMKEEPER_TEST_KEYRING_PASSWORD=correct-horse
export CARGO_HOME RUSTUP_HOME HOME XDG_RUNTIME_DIR KEYRING_LOG
export CHARMKEEPER_TEST_KEYRING CHARMKEEPER_TEST_KEYRING_PASSWORD
unset XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME XDG_STATE_HOME
unset DBUS_SESSION_BUS_ADDRESS GNOME_KEYRING_CONTROL SSH_AUTH_SOCK

status=0
if [ "$state" = nobus ]; then
    "$@" || status=$?
    exit "$status"
fi

need dbus-run-session dbus
# A bus of our own on which nothing is started on demand.
cat >"$folder/bus.conf" <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=$folder/run</listen>
  <servicedir>$folder/services</servicedir>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
END
dbus-run-session --config-file="$folder/bus.conf" -- "$0" --on-the-bus "$@" || status=$?
if [ "$status" -ne 0 ] && [ -s "$KEYRING_LOG" ]; then
    say "the keyring said:"
    sed 's/^/    /' "$KEYRING_LOG" >&2
fi
exit "$status"
