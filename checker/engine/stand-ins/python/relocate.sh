#!/bin/sh
# Lays Debian's Python out below /out/usr/local as CPython's own installation does, so that packages land in
# /usr/local/lib/python3.13/site-packages and pip is not told that the system manages them.
set -eu

version=3.13
lib=/out/usr/local/lib/python$version
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || basename "$(dirname /usr/lib/*/libc.so.6)")

mkdir -p /out/usr/local/bin /out/usr/local/include /out/etc "$lib"
cp -a /usr/lib/python$version/. "$lib/"
rm -rf "$lib/EXTERNALLY-MANAGED" "$lib/sitecustomize.py" "$lib/_distutils_system_mod.py" "$lib/test"
find "$lib" -name __pycache__ -prune -exec rm -rf {} +
cp /usr/bin/python$version /out/usr/local/bin/

# The headers, with the machine's own pyconfig.h in the place of the one that asks which machine it is.
cp -a "/tmp/dev/usr/include/python$version" /out/usr/local/include/
cp "/tmp/dev/usr/include/$multiarch/python$version/pyconfig.h" "/out/usr/local/include/python$version/pyconfig.h"

# Debian's layout of three places becomes CPython's one.
sed -i "s/prefix_scheme = 'posix_local'/prefix_scheme = 'posix_prefix'/" "$lib/sysconfig/__init__.py"
# Which directories Python searches is frozen into the program, and Debian's is called dist-packages.
mkdir -p "$lib/site-packages"
rm -rf "$lib/dist-packages"
ln -s site-packages "$lib/dist-packages"
sed -i '/^    _ensurepip_is_disabled_in_debian_for_system()$/d' "$lib/ensurepip/__init__.py"
for data in "$lib"/_sysconfigdata__*.py; do
  sed -i -e "s#/usr/lib/python$version#/usr/local/lib/python$version#g" -e 's#/usr/include#/usr/local/include#g' \
    -e "s#\('[A-Za-z_]*prefix': '\)/usr'#\1/usr/local'#" -e "s#\('\(BINDIR\|EXENAME\)': '\)/usr/bin#\1/usr/local/bin#" \
    -e "s#'WHEEL_PKG_DIR': '[^']*'#'WHEEL_PKG_DIR': '/usr/local/lib/python$version/ensurepip/_bundled'#" "$data"
done
mkdir -p "$lib/ensurepip/_bundled"
cp /usr/share/python-wheels/pip-*.whl "$lib/ensurepip/_bundled/"

cd /out/usr/local/bin
ln -s python$version python3
ln -s python3 python
rm -rf /usr/local/lib/python$version
cp -a /out/usr/local/. /usr/local/
/usr/local/bin/python3 -m ensurepip --default-pip
rm -rf /out/usr/local && mkdir -p /out/usr/local/lib/python$version
cp -a /usr/local/bin /usr/local/include /out/usr/local/
cp -a /usr/local/lib/python$version /out/usr/local/lib/
find /out -name __pycache__ -prune -exec rm -rf {} +

# The host's package index and certificate authorities; the name is pip's own for the whole machine.
cp /usr/local/share/mslab/pip.conf /out/etc/pip.conf
