FROM golang:1.27-alpine AS builder

WORKDIR /src

COPY go.mod ./
RUN go mod download

COPY *.go ./
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/worldclock .

FROM gcr.io/distroless/static-debian13:nonroot AS production

COPY --from=builder /out/worldclock /worldclock

EXPOSE 8080
ENTRYPOINT ["/worldclock"]
