# What the other scripts share: a Rust toolchain, an engine, base images, a built mslab. Sourced, not run.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT" || exit 1
TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")

STARTED=$EPOCHSECONDS
step() {
  local passed=$((EPOCHSECONDS - STARTED)) clock=''
  ((passed == 0)) || printf -v clock '  (after %d:%02d)' $((passed / 60)) $((passed % 60))
  printf '\n\033[1m== %s\033[0m%s\n' "$*" "$clock" >&2
}
note() { printf '   %s\n' "$*" >&2; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 3
}

# need_tools: a Rust toolchain and a C compiler (for the zstd library).
need_tools() {
  command -v cargo >/dev/null || fail "cargo is not there. Install Rust, then run this again."
  command -v cc >/dev/null && return
  command -v apt-get >/dev/null || fail "there is no C compiler (cc). Install one, then run this again."
  agree "a C compiler is missing: apt-get install gcc libc6-dev (about 100 MB)" || fail "without a C compiler mslab cannot be built."
  as_root apt-get update -qq && as_root apt-get install -y -qq --no-install-recommends gcc libc6-dev >&2
}

# note_disk GB: says so where less is free, before something fails of it.
note_disk() {
  local free
  free=$(df -Pk "$ROOT" | awk 'NR == 2 { print int($4 / 1000000) }')
  ((free >= $1)) || note "only $free GB are free here; what is built, and the engine's images and caches, may want $1 GB"
}

# agree WHAT: says what is about to change on this system; at a terminal it asks once (YES=1 answers).
agree() {
  note "$1"
  [[ ${YES:-} == 1 || ! -t 0 ]] && return 0
  local answer
  read -r -p "   Go on? [y/N] " answer
  [[ $answer == [yY]* ]]
}

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

# build_mslab: sets MSLAB to the program, built in the way that is soonest there.
build_mslab() {
  step "Building mslab"
  cargo build --locked -p mslab
  MSLAB=$TARGET/debug/mslab
}

# build_release: sets MSLAB to the program as people install it, which takes minutes longer; for what is measured.
build_release() {
  step "Building mslab as people install it"
  cargo build --release --locked -p mslab
  MSLAB=$TARGET/release/mslab
}

# find_engine: sets DOCKER_HOST to an engine that answers: the learner's own, or a private one brought up here.
# Returns 1, with one sentence and the remedy said, where there is none.
find_engine() {
  if "$MSLAB" doctor --quiet >/dev/null 2>&1; then
    note "using the engine that is there ($("$MSLAB" doctor --quiet 2>/dev/null || true))"
    return 0
  fi
  private_engine
}

# own_engine: a private engine, or the learner's own where there can be no private one. On a private one stand-ins bear
# the official names too: nobody else builds there, and plain `docker build` finds them.
own_engine() {
  step "Finding a Docker engine"
  if private_engine; then
    STAND_INS=(--official)
  else
    find_engine || fail "an engine is needed, and none can be had here (see the lines above)."
  fi
}

# private_engine: the project's own engine, the newest that Debian packages.
private_engine() {
  local host
  host=$(scripts/engine up --quiet) || return 1
  export DOCKER_HOST=$host
}

# no_registry: whether the engine can reach no registry to pull from.
no_registry() {
  local state
  state=$("$MSLAB" doctor --format json 2>/dev/null || true)
  [[ $state == *'"registry": false'* ]]
}

# base_images: what the labs build on; stand-ins, made with the flags of STAND_INS, where no registry answers.
STAND_INS=()
base_images() {
  step "Base images"
  no_registry || { "$MSLAB" images pull && return; }
  note "no registry answers: stand-ins take the base images' place (they are built once, in a few minutes)"
  "$MSLAB" images stand-ins ${STAND_INS[@]+"${STAND_INS[@]}"}
}

# need_mdbook [COMMAND]: sets MDBOOK to an mdBook of the version that the book is written for, which knows the command;
# fetches it where there is none. What serves and watches is more than half of mdBook, and is built only when asked for.
# With MDBOOK_FLAGS=--debug it is there sooner, and takes seconds longer for a book.
need_mdbook() {
  local wanted=0.5.4 tools=$ROOT/target/tools command=${1:-build} features=search found
  local candidates=("$(command -v mdbook || true)" "$tools/bin/mdbook")
  if [[ -n ${MDBOOK_FLAGS:-} ]]; then
    tools+=/debug
    candidates+=("$tools/bin/mdbook")
  fi
  for found in "${candidates[@]}"; do
    [[ -n $found && $("$found" --version 2>/dev/null) == *"v${wanted%.*}."* ]] &&
      "$found" "$command" --help >/dev/null 2>&1 && MDBOOK=$found && return
  done
  [[ $command == build ]] || features=search,serve,watch
  note "mdBook ${wanted%.*} is missing: cargo builds it into target/tools (a few minutes; nothing else changes)"
  CARGO_TARGET_DIR=$tools/build cargo install --quiet --locked mdbook --version "$wanted" --root "$tools" \
    --no-default-features --features "$features" ${MDBOOK_FLAGS:-}
  rm -rf "$tools/build"
  MDBOOK=$tools/bin/mdbook
}

# need_browser: Chromium and npm, for the tests of the book.
need_browser() {
  local missing=()
  command -v "${MSLAB_CHROMIUM:-chromium}" >/dev/null || missing+=(chromium)
  command -v npm >/dev/null || missing+=(npm)
  ((${#missing[@]} == 0)) && return
  command -v apt-get >/dev/null ||
    fail "the tests of the book need ${missing[*]}. Install them (MSLAB_CHROMIUM names the browser where it is called otherwise), then run this again."
  agree "for the tests of the book are missing: apt-get install ${missing[*]} (about 500 MB)" ||
    fail "without ${missing[*]} the book cannot be tested."
  as_root apt-get update -qq && as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}
