#!/usr/bin/env bash
# Makes the installers for this computer's kind of system, into
# target/release/bundle: deb and rpm on Linux, dmg on macOS, msi on Windows.
#
#   build.sh [FORMAT...]
#
# deb and rpm are made and started by `make package`. dmg and msi were never
# made; appimage (`packaging/build.sh appimage`) downloads its runtime while it
# is made, and was not made either.
set -euo pipefail
cd "$(dirname "$0")/.."

case "$(uname -s)" in
  Linux) usual=(deb rpm) ;;
  Darwin) usual=(dmg) ;;
  *) usual=(msi) ;;
esac
formats=("${@:-${usual[@]}}")
staged=target/package
triple=$(rustc -vV | sed -n 's/^host: //p')
ending=$([[ $triple == *windows* ]] && echo .exe || true)

cargo build --locked --release -p charmkeeper
cargo run --locked --quiet -p charmkeeper-packaging -- "$staged"
gzip -9nf "$staged/charmkeeper.1"
# The bundler looks for the second program under the name of the system.
cp "target/release/charmkeeper$ending" "$staged/charmkeeper-$triple$ending"

npm install --prefix packaging --no-audit --no-fund --loglevel=error
tauri=$PWD/packaging/node_modules/.bin/tauri
(
  cd src-tauri
  "$tauri" build --ci --config ../packaging/tauri.json --bundles "$(IFS=,; echo "${formats[*]}")" -- --locked
)

for package in target/release/bundle/deb/*.deb; do
  [ -e "$package" ] || continue
  tests/harness/desk.sh packaging/check.sh "$package"
done
find target/release/bundle -maxdepth 2 -type f \( -name '*.deb' -o -name '*.rpm' -o -name '*.dmg' -o -name '*.msi' -o -name '*.AppImage' \) -printf '%s bytes  %p\n' 2>/dev/null || true
