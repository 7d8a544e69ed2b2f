#!/usr/bin/env bash
# Grading a class on an engine: what mslab adds to the engine's own build times, and with a warm build cache how it does
# against a shell loop of the same checks. The first part compiles each distinct submission: half a minute each on two
# processors, so more than an hour for 150.
# usage: grade.sh [STUDENTS [DISTINCT]]
set -euo pipefail
. "$(dirname "$0")/../scripts/common.sh"

need_tools
for tool in docker file curl sqlite3 /usr/bin/time; do
  command -v $tool >/dev/null || fail "this measurement needs $tool. On Debian: apt-get install docker.io file curl sqlite3 time"
done
students=${1:-200} distinct=${2:-150}
build_release
own_engine
base_images
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export MSLAB_CACHE_DIR=$place/cache
benches/class-of.sh "$place/in" "$students" "$distinct"
cd "$place"

# grade CLASS NAME [OPTIONS]: grades a class into a gradebook of its own; sets seconds and peak, in KiB.
grade() {
  local class=$1 name=$2 code=0
  shift 2
  /usr/bin/time -o "$name.time" -f '%e %M' "$MSLAB" grade "$class" --exercise 5 --gradebook "$name.db" --quiet "$@" >"$name.txt" || code=$?
  [[ $code == 1 ]] || fail "mslab ended with $code instead of 1"
  read -r seconds peak < <(tail -n 1 "$name.time")
}
ask() { sqlite3 "$1.db" "$2"; }

step "$students submissions, $distinct distinct, one at a time"
grade in cold --jobs 1
builds=$(ask cold "SELECT count(*) FROM work, json_each(report, '\$.builds') b WHERE b.value ->> 'steps' > 0")
engine=$(ask cold "SELECT round(sum(b.value ->> 'duration_ms') / 1000.0, 1) FROM work, json_each(report, '\$.builds') b")
broken=$((distinct / 10))
echo "$seconds s; the engine built $builds times, $engine s in all; mslab had $peak KiB at most"
[[ $builds -le $((distinct - broken)) ]] || fail "what is the same, or fails on its text, was built"
awk -v all="$seconds" -v engine="$engine" 'BEGIN { printf "mslab added %.0f %%; at most 15 are promised\n", (all / engine - 1) * 100; exit all > engine * 1.15 }'
[[ $peak -le 150000 ]] || fail "at most 150 MB are promised"

# A build leaves 100 MB in the engine's cache, which may be too small for a class. And what mslab builds within limits is
# in the cache for builds within the same limits, not for the loop's. So: the last tenth of the distinct submissions, with
# copies of every third, and each of the two once before it is measured.
mkdir late
for ((n = distinct - (distinct + 9) / 10; n < distinct; n++)); do
  name=student-$(printf %03d "$n")
  cp -r "in/$name" late
  ((n % 3)) || cp -r "in/$name" "late/copy-of-$name"
done

step "$(find late -mindepth 1 -maxdepth 1 | wc -l) of them with a warm build cache, against a shell loop of the same checks"
grade late warming
grade late warm
mslab=$seconds
longest=$(ask warm "SELECT max(b.value ->> 'duration_ms') FROM work, json_each(report, '\$.builds') b")
((longest < 10000)) || fail "a build took $longest ms, and so was not in the cache: there is nothing to compare"
"$ROOT/benches/loop.sh" late >/dev/null
SECONDS=0
"$ROOT/benches/loop.sh" late >/dev/null
loop=$SECONDS
docker rmi -f instructor-check:go >/dev/null
awk -v mslab="$mslab" -v loop="$loop" 'BEGIN { printf "mslab %.1f s, the loop %d s: %.1f times as fast; at least 3 are promised\n", mslab, loop, loop / mslab; exit loop < 3 * mslab }'
