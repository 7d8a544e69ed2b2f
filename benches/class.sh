#!/usr/bin/env bash
# What mslab itself adds to grading: a simulated class of 10,000 with recorded verdicts, no engine. At most 60 s.
# usage: class.sh [STUDENTS]
set -euo pipefail
. "$(dirname "$0")/../scripts/common.sh"

need_tools
students=${1:-10000}
cargo build --release --locked -p mslab-grade --example class
tool=$(realpath -m "${CARGO_TARGET_DIR:-target}")/release/examples/class
step "A class of $students without an engine"
SECONDS=0
"$tool" "$students"
[[ $SECONDS -le 60 ]] || fail "it took $SECONDS s; 60 at most are promised for 10,000"
