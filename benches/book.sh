#!/usr/bin/env bash
# What the book's preprocessor costs. Two figures:
# the book as it is, against a plain build of the same pages (its directives replaced already): at most 15 % more;
# a book of 1,000 chapters with directives, against mdBook without the preprocessor: less than 3 times.
set -euo pipefail
. "$(dirname "$0")/../scripts/common.sh"

need_tools
need_mdbook
command -v hyperfine >/dev/null || fail "the benchmarks need hyperfine. On Debian: apt-get install hyperfine"
cargo build --release --locked -p mdbook-mslab
tool=$TARGET/release/mdbook-mslab
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# book DIR: the files that a build of the book reads, in a folder of their own.
book() {
  mkdir -p "$1/book"
  cp -r book/{src,theme,quizzes,checklists,transcripts,examples,sizes.json} "$1/book/"
  ln -s "$ROOT/labs" "$1/labs"
  sed "s|^command = .*|command = \"$tool\"|" book.toml > "$1/book.toml"
}
# plain DIR: the same book without the preprocessor.
plain() { sed -i '/^\[preprocessor.mslab\]/,/^$/d' "$1/book.toml"; }

step "The book, against a plain build of the same pages"
book "$place/with"
book "$place/without"
# The chapters as the preprocessor hands them on.
python3 - "$tool" "$place/with" "$place/without/book/src" <<'PY'
import json, pathlib, subprocess, sys
tool, book, to = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
source = book / "book/src"
names = sorted(p.relative_to(source).as_posix() for p in source.rglob("*.md") if p.name != "SUMMARY.md")
chapter = lambda n: {"Chapter": {"name": n, "content": (source / n).read_text(), "path": n, "source_path": n, "sub_items": []}}
context = {"root": str(book), "renderer": "html", "config": {"book": {"src": "book/src"}}}
told = subprocess.run([tool], input=json.dumps([context, {"items": [chapter(n) for n in names]}]), capture_output=True, text=True, check=True)
for item in json.loads(told.stdout)["items"]:
    (to / item["Chapter"]["path"]).write_text(item["Chapter"]["content"])
PY
plain "$place/without"
hyperfine --warmup 2 --min-runs 15 \
  -n 'plain' "$MDBOOK build $place/without" -n 'with the preprocessor' "$MDBOOK build $place/with"

step "1,000 chapters, against mdBook without the preprocessor"
book "$place/many"
python3 - "$place/many/book/src" <<'PY'
import pathlib, shutil, sys
source = pathlib.Path(sys.argv[1])
shutil.rmtree(source)
source.mkdir()
words = "A stage is a part of a Dockerfile that begins with FROM. What it makes can be copied into another one. " * 12
shown = ["{{#dockerfile labs/05-go-scratch/solution/Dockerfile stage=production}}", "{{#quiz go}}",
         "{{#graph labs/02-test-stage/solution/Dockerfile}}", "{{#mistake go-scratch/runs-as-root}}"]
summary = ["# Summary", ""]
for n in range(1000):
    text = f"# Chapter {n}\n\n{words}\n\n## A part\n\n{shown[n % 4]}\n\n{words}\n\n```sh\nmslab check exercise-5\n```\n"
    (source / f"c{n}.md").write_text(text)
    summary.append(f"- [Chapter {n}](c{n}.md)")
(source / "SUMMARY.md").write_text("\n".join(summary) + "\n")
PY
cp -r "$place/many" "$place/many-plain"
plain "$place/many-plain"
hyperfine --warmup 1 --min-runs 3 -n 'plain' "$MDBOOK build $place/many-plain" \
  -n 'with the preprocessor' "$MDBOOK build $place/many"
