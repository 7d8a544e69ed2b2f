#!/bin/sh
# Options and addresses are curl's, everything else is a command of its own.
set -e
if [ "${1#-}" != "$1" ] || ! command -v "$1" > /dev/null; then set -- curl "$@"; fi
exec "$@"
