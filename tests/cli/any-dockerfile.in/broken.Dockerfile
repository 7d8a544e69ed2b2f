FROM golang:1.27 AS
RUNN go build
