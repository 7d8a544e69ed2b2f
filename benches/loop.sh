#!/usr/bin/env bash
# What an instructor writes when there is no mslab: the checks of the Go lab over a folder of submissions, one by one.
# usage: loop.sh FOLDER
set -uo pipefail
here=$(realpath "$(dirname "$0")")
lab=$here/../labs/05-go-scratch/starter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Whether the server answers, asked from inside its own network as mslab does it.
answers() {
  local server answer=1
  server=$(docker run -d --network none instructor-check:go 2>/dev/null) || return 1
  docker run --rm --network "container:$server" curlimages/curl:8.14.1 -fsS --retry 5 --retry-connrefused --retry-delay 1 \
    http://127.0.0.1:8080/ 2>/dev/null | grep -q '"light":"on"' && answer=0
  docker rm -f "$server" >/dev/null
  return $answer
}
for dir in "$1"/*/; do
  rm -rf "${work:?}"/*
  # The trusted files, and over them the learner's.
  cp -r "$lab/." "$work"
  cp "$dir/Dockerfile" "$work"
  failed=$("$here/instructor.sh" "$work" 2>/dev/null | grep -c '^FAILED')
  answers || ((failed++))
  printf '%s,%s\n' "$(basename "$dir")" "$failed"
done
