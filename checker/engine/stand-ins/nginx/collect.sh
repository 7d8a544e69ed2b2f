#!/bin/sh
# collect.sh OUT PROGRAM…: copies programs of this Debian, with the loader and the libraries they need, to where a root
# without Debian's directories finds them.
set -eu

out=$1
shift
for program in "$@"; do
  mkdir -p "$out${program%/*}"
  cp -L "$program" "$out$program"
  ldd "$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | while read -r library; do
    # The loader is named by its full path in the program; the rest is looked for in the architecture's directory.
    mkdir -p "$out${library%/*}"
    [ -e "$out$library" ] || cp -L "$library" "$out$library"
  done
done
