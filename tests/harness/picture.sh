#!/bin/bash
# Photographs the real window and the real icon with its menu, in a real panel,
# as a person sees them who tries the sandbox. For the README; run by
# `make pictures`.
#
#   desk.sh keyring.sh ready picture.sh FOLDER
#
# Needs xfce4-panel, xdotool and imagemagick besides what the two harnesses
# need. Writes FOLDER/window.png and FOLDER/tray.png.
set -euo pipefail

into=${1:?usage: $0 FOLDER}
: "${CHARMKEEPER_TEST_DESK:?runs under desk.sh}" "${CHARMKEEPER_TEST_KEYRING:?runs under keyring.sh}"
root=$(cd "$(dirname "$0")/../.." && pwd)

for tool in xfce4-panel:xfce4-panel xdotool:xdotool import:imagemagick; do
    command -v "${tool%%:*}" >/dev/null || {
        echo "picture.sh: ${tool%%:*} is missing (apt-get install ${tool#*:})" >&2
        exit 2
    }
done

started=()
clean() {
    for one in "${started[@]}"; do kill "$one" 2>/dev/null || true; done
    wait 2>/dev/null || true
}
trap clean EXIT

# Waits for a command to succeed; three minutes at most.
until_done() {
    for _ in $(seq 900); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.2
    done
    echo "picture.sh: gave up waiting for: $*" >&2
    exit 1
}

export GDK_BACKEND=x11 NO_AT_BRIDGE=1 WEBKIT_DISABLE_COMPOSITING_MODE=1 \
    WEBKIT_DISABLE_DMABUF_RENDERER=1 LIBGL_ALWAYS_SOFTWARE=1 XDG_CONFIG_HOME=$HOME/.config

# A panel along the top with our icon at its end.
settings=$XDG_CONFIG_HOME/xfce4/xfconf/xfce-perchannel-xml
mkdir -p "$settings" "$XDG_CONFIG_HOME/gtk-3.0"
cat >"$settings/xfce4-panel.xml" <<'END'
<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="true"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="30"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
    </property>
  </property>
</channel>
END
for daemon in /usr/lib/*/xfce4/xfconf/xfconfd; do
    "$daemon" >/dev/null 2>&1 & started+=($!)
done
display -window root -size 1280x900 gradient:'#6d5f96-#2f2747' 2>/dev/null || true
xfce4-panel --disable-wm-check >/dev/null 2>&1 & started+=($!)
until_done dbus-send --session --print-reply --dest=org.kde.StatusNotifierWatcher / \
    org.freedesktop.DBus.Peer.Ping

CHARMKEEPER_HOME=$HOME/sandbox "$root/target/debug/charmkeeper" sandbox >/dev/null 2>&1 & started+=($!)
charmkeeper() { CHARMKEEPER_HOME=$HOME/sandbox "$root/target/debug/charmkeeper" "$@"; }
synced() { charmkeeper status | grep -q "All synced"; }
until_done xdotool search --onlyvisible --name '^Charmkeeper \(sandbox\)$'
until_done synced
# A history to look at: new mail comes every 45 seconds.
several() { [ "$(charmkeeper history --json | grep -o '"run":' | wc -l)" -ge 7 ]; }
until_done several

# The run that brought the first mail, opened beside the list.
window=$(xdotool search --onlyvisible --name '^Charmkeeper \(sandbox\)$' | tail -n 1)
run=$(charmkeeper history --charm gmail-importer --changed --json | grep -o '"run":"[^"]*' | tail -n 1 | cut -d'"' -f4)
"$root/target/debug/charmkeeper-desktop" --home "$HOME/sandbox" --sandbox http://127.0.0.1:9/ \
    --page "/history?run=$run" >/dev/null 2>&1
xdotool windowsize "$window" 1180 780 windowmove "$window" 50 70
xdotool mousemove 640 895
sleep 8
# The page alone: a window manager's frame is nobody's product.
import -window "$window" "$HOME/window.png"

# The icon is at the end of the panel: a click that opens a menu found it.
xdotool key Escape
shown() { xdotool search --onlyvisible --name '' 2>/dev/null | wc -l; }
before=$(shown)
for x in $(seq 1270 -14 1060); do
    xdotool mousemove "$x" 15 click 1
    sleep 1
    if [ "$(shown)" -gt "$before" ]; then break; fi
done
xdotool mousemove "$x" 70
sleep 1
import -window root -crop 700x420+580+0 +repage "$HOME/tray.png"

for name in window tray; do
    convert "$HOME/$name.png" -strip +dither -colors 200 -define png:compression-level=9 "PNG8:$into/$name.png"
    echo "picture.sh: $into/$name.png, $(wc -c <"$into/$name.png") bytes"
done
