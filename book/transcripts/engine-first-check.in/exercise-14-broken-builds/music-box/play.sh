#!/bin/sh
# Plays a tune of the music box: `play 3`.
set -eu

tune=$(sed -n "${1:-1}p" /usr/local/share/tunes.txt)
if [ -z "$tune" ]; then
  echo "play: there is no tune number $1" >&2
  exit 2
fi
echo "ding dong, $tune"
