FROM golang:1.27 AS builder

WORKDIR /src

COPY . .
RUN CGO_ENABLED=0 go build -o /out/worldclock .

FROM scratch AS production

COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=builder /out/worldclock /worldclock

USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/worldclock"]
