#!/usr/bin/env bash
# Makes the installers for this computer's kind of system, into
# target/release/bundle: deb and rpm on Linux, dmg on macOS, msi on Windows.
#
#   build.sh [--debug] [FORMAT...]
#
# With --debug they are made of the development build, which must be there
# already, into target/debug/bundle: what is in them and whether they start is
# the same, and `make test` looks at it without a release build.
#
# deb and rpm are made, looked into and started by `make package`. dmg and msi were never
# made; appimage (`packaging/build.sh appimage`) downloads its runtime while it
# is made, and was not made either.
set -euo pipefail
cd "$(dirname "$0")/.."

case "$(uname -s)" in
  Linux) usual=(deb rpm) ;;
  Darwin) usual=(dmg) ;;
  *) usual=(msi) ;;
esac
profile=release
if [ "${1:-}" = --debug ]; then
  profile=debug
  shift
fi
formats=("${@:-${usual[@]}}")
staged=target/package
triple=$(rustc -vV | sed -n 's/^host: //p')
ending=$([[ $triple == *windows* ]] && echo .exe || true)

[ $profile = debug ] || cargo build --locked --release -p charmkeeper
cargo run --locked --quiet -p charmkeeper-packaging -- "$staged"
gzip -9nf "$staged/charmkeeper.1"
# The bundler looks for the second program under the name of the system.
cp "target/$profile/charmkeeper$ending" "$staged/charmkeeper-$triple$ending"

npm install --prefix packaging --no-audit --no-fund --loglevel=error
tauri=$PWD/packaging/node_modules/.bin/tauri
chosen=(--ci --config ../packaging/tauri.json --bundles "$(IFS=,; echo "${formats[*]}")")
bundle=target/$profile/bundle
# Nothing of an earlier version is checked in the place of what is made now.
rm -rf "$bundle/deb" "$bundle/rpm"
(
  cd src-tauri
  if [ $profile = debug ]; then
    "$tauri" bundle --debug "${chosen[@]}"
  else
    "$tauri" build "${chosen[@]}" -- --locked
  fi
)

for package in "$bundle"/deb/*.deb "$bundle"/rpm/*.rpm; do
  [ -e "$package" ] || continue
  tests/harness/desk.sh packaging/check.sh "$package"
done
find "$bundle" -maxdepth 2 -type f \( -name '*.deb' -o -name '*.rpm' -o -name '*.dmg' -o -name '*.msi' -o -name '*.AppImage' \) -printf '%s bytes  %p\n' 2>/dev/null || true
