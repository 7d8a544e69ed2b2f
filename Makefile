# `make` alone says what there is to make. Each target does its own set-up and can be run again and again.

.DEFAULT_GOAL := help
.PHONY: help demo test test-engines verify book sizes bench build image lint clean

help: ## say what there is to make
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

demo: ## set up all that is needed, and see mslab check an exercise
	@scripts/demo

test: ## set up all that is needed, and run every test
	@scripts/test

test-engines: ## run the engine tests on Docker 20.10, 26, 28 (both image stores) and Podman
	@scripts/test-engines

verify: ## prove every lab with all its attempts and fixes on the engine
	@scripts/verify

book: ## build the book to target/book
	@scripts/book

sizes: ## measure the sizes that the book shows, on the engine
	@scripts/sizes

bench: ## measure against the tools that one would use instead
	@scripts/bench

build: ## build mslab for this machine
	cargo build --release --locked -p mslab

image: ## build mslab's own image, and judge it by the Go lab's checks
	@scripts/image

lint: ## what CI asks of the code's form
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

clean: ## remove what mslab made on the engine
	@cargo run --quiet --locked -p mslab -- clean
