FROM golang:1.27 AS builder

WORKDIR /src

COPY . .
RUN go build -o /out/worldclock .

FROM debian:trixie-slim AS production

RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*

COPY --from=builder /out/worldclock /usr/local/bin/worldclock

USER 65532:65532
EXPOSE 8080
CMD ["worldclock"]
