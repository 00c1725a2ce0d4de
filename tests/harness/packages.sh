#!/usr/bin/env bash
# Installs what is missing on Debian and Ubuntu, and says what to install
# elsewhere. Usage: packages.sh run|desktop|test|package|screenshots|pictures
#
#   run      the command line and the keeper
#   desktop  and the tray and the window
#   test     and what the tests drive: keyring, virtual display, WebDriver
#   package  and what the packages are checked with
#   screenshots  a browser, and letters and signs of every kind
#   pictures  a panel, and what photographs a screen
set -euo pipefail

core=(build-essential)
# libwebkit2gtk-4.1-dev brings GTK, libsoup and D-Bus; the icon's library is
# loaded when the program runs.
window=(pkg-config libwebkit2gtk-4.1-dev libayatana-appindicator3-1)
case "${1:-run}" in
  run) packages=("${core[@]}") ;;
  desktop) packages=("${core[@]}" "${window[@]}") ;;
  test)
    packages=("${core[@]}" "${window[@]}" dbus gnome-keyring xvfb xauth openbox wmctrl
      webkit2gtk-driver desktop-file-utils) ;;
  # The bundler looks for the icon library through its development files.
  package)
    packages=("${core[@]}" "${window[@]}" libayatana-appindicator3-dev desktop-file-utils rpm xvfb openbox
      wmctrl webkit2gtk-driver dbus) ;;
  screenshots)
    packages=("${core[@]}" chromium fonts-dejavu-core fonts-noto-core fonts-noto-mono fonts-noto-color-emoji) ;;
  pictures)
    packages=("${core[@]}" "${window[@]}" dbus gnome-keyring xvfb xauth openbox wmctrl webkit2gtk-driver
      xfce4-panel xdotool imagemagick fonts-noto-core fonts-noto-color-emoji) ;;
  *) echo "usage: $0 run|desktop|test|package|screenshots|pictures" >&2; exit 2 ;;
esac

need() { command -v "$1" >/dev/null 2>&1; }

for tool in cargo node; do
  need "$tool" || missing_tools+=("$tool")
done
if [ -n "${missing_tools[*]:-}" ]; then
  echo "Please install first: ${missing_tools[*]} (Rust 1.95 or newer from rustup.rs, Node.js 20 or newer)." >&2
  exit 1
fi

case "$(uname -s)" in
  Linux) ;;
  Darwin)
    need cc || { echo "Please install the command line tools first: xcode-select --install" >&2; exit 1; }
    exit 0 ;;
  *)
    echo "On Windows, have the Visual Studio Build Tools (C++ workload) installed." >&2
    exit 0 ;;
esac

if ! need dpkg-query; then
  need cc || { echo "Please install a C compiler first." >&2; exit 1; }
  echo "This is not Debian or Ubuntu: if the build stops, install what these packages hold: ${packages[*]}" >&2
  exit 0
fi

absent=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || absent+=("$package")
done
[ ${#absent[@]} -eq 0 ] && exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
  need sudo || { echo "Please install as root: ${absent[*]}" >&2; exit 1; }
  root=(sudo)
fi
echo "Installing with apt-get: ${absent[*]}"
"${root[@]}" apt-get update -q
DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -q --no-install-recommends "${absent[@]}"
