#!/usr/bin/env bash
# Makes a class for the Go lab: distinct submissions first, then copies of them. Of ten distinct ones six are right, one
# is root, one ends in a shell's image, one links the C library, and one does not parse.
# usage: class-of.sh FOLDER STUDENTS DISTINCT
set -euo pipefail
folder=$1 students=$2 distinct=$3
for ((n = 0; n < students; n++)); do
  own=$((n % distinct))
  dir=$folder/student-$(printf %03d "$n")
  mkdir -p "$dir"
  go=golang:1.27-alpine base=scratch cgo=0 user='USER 65532:65532' more=''
  case $((own % 10)) in
    6) user='' ;;
    7) base=alpine:3.22 ;;
    8) go=golang:1.27 cgo=1 ;; # which has a C compiler
    9) more='COPY --from' ;;
  esac
  cat > "$dir/Dockerfile" <<DOCKERFILE
FROM $go AS builder
WORKDIR /src
COPY go.mod ./
COPY *.go ./
RUN CGO_ENABLED=$cgo go build -trimpath -ldflags="-s -w -X main.author=$own" -o /out/lighthouse .

FROM $base AS production
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=builder /out/lighthouse /lighthouse
$user
$more
EXPOSE 8080
ENTRYPOINT ["/lighthouse"]
DOCKERFILE
done
