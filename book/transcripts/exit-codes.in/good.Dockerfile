FROM golang:1.27-alpine AS builder
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -o /out/app .

FROM scratch AS production
COPY --from=builder /out/app /app
USER 65532:65532
ENTRYPOINT ["/app"]
