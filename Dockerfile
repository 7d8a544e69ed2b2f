# mslab's own image: one static program and the certificates, on nothing. `mslab check exercise-5 --image` judges it
# by the Go lab's checks.

FROM rust:1-slim AS builder
WORKDIR /src
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates gcc libc6-dev lld \
    && rm -rf /var/lib/apt/lists/*
COPY Cargo.toml Cargo.lock ./
COPY book/preprocessor book/preprocessor
COPY checker checker
COPY tests tests
COPY labs labs
# LLVM's linker folds functions that are alike into one, and packs the relocations.
RUN --mount=type=cache,target=/root/.cargo/registry \
    --mount=type=cache,target=/src/target \
    target=$(rustc -vV | sed -n 's/^host: //p') \
    && RUSTFLAGS="-C target-feature=+crt-static" \
        cargo rustc --profile dist --locked --target "$target" -p mslab -- -C link-arg=-fuse-ld=lld \
        -C link-arg=-Wl,--icf=all -C link-arg=-Wl,-z,pack-relative-relocs \
    && cp "target/$target/dist/mslab" /mslab

FROM scratch AS production
LABEL org.opencontainers.image.title="mslab" \
      org.opencontainers.image.description="An interactive lab runner for Docker multi-stage builds" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=builder /mslab /mslab
USER 65532:65532
ENTRYPOINT ["/mslab"]
