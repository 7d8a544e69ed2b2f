FROM golang:1.27 AS builder

WORKDIR /src

COPY . .
RUN go build -o /out/worldclock .

FROM alpine:3.22 AS production

COPY --from=builder /out/worldclock /usr/local/bin/worldclock

USER 65532:65532
EXPOSE 8080
CMD ["worldclock"]
