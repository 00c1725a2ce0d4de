#!/usr/bin/env bash
# Draws every icon from charmkeeper.svg. Needs rsvg-convert (Debian package
# librsvg2-bin) and python3. The results are committed; run this only after the
# SVG changed.
set -euo pipefail
cd "$(dirname "$0")"

draw() { # id size colour file
  local style
  style=$(mktemp --suffix=.css)
  printf 'svg { color: %s !important; }\n' "$3" >"$style"
  rsvg-convert --export-id "$1" --width "$2" --height "$2" --keep-aspect-ratio \
    --page-width "$2" --page-height "$2" --stylesheet "$style" --output "$4" charmkeeper.svg
  rm -f "$style"
}

for size in 16 32 48 64 128 256 512; do
  draw app "$size" '#000000' "app-$size.png"
done
# Names say the panel they are for: light icons stand on dark panels.
for state in idle running attention paused; do
  for size in 22 44; do
    draw "tray-$state" "$size" '#26232f' "tray-$state-for-light-$size.png"
    draw "tray-$state" "$size" '#f4f2fa' "tray-$state-for-dark-$size.png"
  done
done

# Containers for Windows and macOS: both hold PNG images as they are.
python3 - <<'PY'
import struct
def png(n): return open(f"app-{n}.png", "rb").read()
images = [(n, png(n)) for n in (16, 32, 48, 64, 128, 256)]
offset = 6 + 16 * len(images)
head, body = struct.pack("<HHH", 0, 1, len(images)), b""
for n, data in images:
    head += struct.pack("<BBBBHHII", n % 256, n % 256, 0, 0, 1, 32, len(data), offset + len(body))
    body += data
open("charmkeeper.ico", "wb").write(head + body)
kinds = {b"icp4": 16, b"icp5": 32, b"ic07": 128, b"ic08": 256, b"ic09": 512}
body = b"".join(k + struct.pack(">I", len(png(n)) + 8) + png(n) for k, n in kinds.items())
open("charmkeeper.icns", "wb").write(b"icns" + struct.pack(">I", len(body) + 8) + body)
PY
