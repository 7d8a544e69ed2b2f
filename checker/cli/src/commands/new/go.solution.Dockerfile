FROM golang:1.27-alpine AS builder
WORKDIR /src
COPY go.mod ./
COPY *.go ./
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /app .

FROM scratch AS production
COPY --from=builder /app /app
USER 65532:65532
EXPOSE {port}
ENTRYPOINT ["/app"]
