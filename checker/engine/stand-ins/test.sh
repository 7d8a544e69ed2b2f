#!/usr/bin/env bash
# Does with every stand-in what learners do with the image it stands for, on the engine that DOCKER_HOST names. Needs the
# docker command, the stand-ins, and a way to the npm and PyPI registries and to the Debian archive.
# shellcheck disable=SC2016,SC2317 # commands for the container's shell; parts are called by name
set -uo pipefail

PREFIX=mslab.local/stand-in/
WORK=$(mktemp -d)
TAG=mslab.local/stand-in-test:$$
trap 'docker rmi -f "$TAG" > /dev/null 2>&1; rm -rf "$WORK"' EXIT
failed=0

verdict() {
  if (($2 == 0)); then
    printf 'ok    %s\n' "$1"
  else
    printf 'FAIL  %s\n' "$1"
    sed 's/^/      /' "$WORK/log" | tail -n 15
    failed=1
  fi
}

# run NAME IMAGE COMMAND: the shell command succeeds in the image.
run() {
  docker run --rm --entrypoint sh "$PREFIX$2" -euc "$3" > "$WORK/log" 2>&1
  verdict "$2: $1" $?
}

# config IMAGE FORMAT VALUE: the image is configured as the real one is.
config() {
  docker image inspect --format "$2" "$PREFIX$1" > "$WORK/log" 2>&1
  [[ $(< "$WORK/log") == "$3" ]]
  verdict "$1: $2 is $3" $?
}

# build NAME: the Dockerfile on stdin builds; BASE/ in it becomes the stand-ins' prefix.
build() {
  local name=$1
  mkdir -p "$WORK/context"
  sed "s#BASE/#$PREFIX#" > "$WORK/context/Dockerfile"
  docker build --quiet --tag "$TAG" "$WORK/context" > "$WORK/log" 2>&1
  verdict "$name" $?
}

# answer NAME EXPECTED [docker run arguments…]: the image just built prints EXPECTED.
answer() {
  local name=$1 expected=$2
  shift 2
  docker run --rm --network none "$@" > "$WORK/log" 2>&1
  grep -qF -- "$expected" "$WORK/log"
  verdict "$name" $?
}

context() {
  rm -rf "$WORK/context"
  mkdir -p "$WORK/context"
}

labels() {
  local image
  while read -r image; do
    [[ $image != */bootstrap:* ]] || continue
    docker image inspect --format '{{ index .Config.Labels "io.mslab.stand-in" }}' "$image" > "$WORK/log" 2>&1
    grep -qx true "$WORK/log"
    verdict "$image is labelled" $?
  done < <(docker images --format '{{ .Repository }}:{{ .Tag }}' | grep "^$PREFIX")
}

debian() {
  run 'says that it is a stand-in' debian:trixie-slim 'grep -q "PRETTY_NAME=.*stand-in" /etc/os-release'
  run 'has no CA bundle, as the real one' debian:trixie-slim '[ ! -e /etc/ssl/certs/ca-certificates.crt ]'
  run 'installs packages, and the bundle then knows the host CAs' debian:trixie-slim '
    apt-get update -qq && apt-get install -y --no-install-recommends ca-certificates curl > /dev/null
    for ca in /usr/local/share/ca-certificates/*.crt; do
      [ -e "$ca" ] || continue
      grep -qF "$(sed -n 3p "$ca")" /etc/ssl/certs/ca-certificates.crt
    done
    [ ! -e /usr/share/doc/curl/README ]'
  run 'makes users' debian:trixie-slim '
    groupadd --system --gid 1001 app && useradd --system --uid 1001 --gid app --no-create-home app
    useradd -m -s /bin/bash -u 1002 dev && [ "$(id -u app) $(id -g dev)" = "1001 1002" ]'
  run 'compiles C' buildpack-deps:trixie 'echo "int main(void){return 0;}" > a.c && gcc a.c && ./a.out && git --version'
}

alpine() {
  local image
  run 'users in the ways learners write them' alpine:3.22 '
    addgroup -g 1001 -S nodejs && adduser -S nextjs -u 1001 -G nodejs
    addgroup app && adduser -D -G app -h /srv/app -s /sbin/nologin app
    adduser -SDH sys && adduser --disabled-password --gecos "" --uid 2000 --no-create-home long
    addgroup -S web && adduser app web
    [ "$(id -u nextjs) $(id -gn nextjs)" = "1001 nodejs" ] && [ -d /home/nextjs ] && [ -d /srv/app ]
    id -Gn app | grep -qw web && [ "$(id -u long)" = 2000 ] && [ ! -d /home/long ] && [ "$(id -gn sys)" = nogroup ]
    ! adduser -D app && ! addgroup web && ! adduser -D -G nowhere x
    su app -s /bin/sh -c "[ \$(id -un) = app ]"
    deluser app && delgroup web && ! id app'
  run 'apk add of what is there; a reason for the rest' alpine:3.22 '
    apk add --no-cache ca-certificates wget && apk update && apk --no-cache add busybox
    ! apk add --no-cache vim 2> /tmp/err && grep -q stand-in /tmp/err'
  run 'certificates, shell, musl' alpine:3.22 '
    grep -q BEGIN /etc/ssl/cert.pem && [ "$(cat /etc/alpine-release)" = 3.22.0 ] && [ -x /lib/ld-musl-*.so.1 ]
    [ ! -e /usr/bin/dpkg ] && [ ! -e /bin/rpm ]'
  config alpine:3.22 '{{ .Config.Cmd }}' '[/bin/sh]'
  run 'a shell and applets' busybox:1.37 'busybox | head -n 1 | grep -q v1.37 && [ "$(whoami)" = root ] && echo x | grep -q x'
  config busybox:1.37 '{{ .Config.Cmd }}' '[sh]'
}

node() {
  local image
  for image in node:24-alpine node:24-slim node:24; do
    run 'node, npm, npx' "$image" 'node --version | grep -q "^v$NODE_VERSION" && npm --version && npx --version
      [ "$(id -u node):$(id -g node)" = 1000:1000 ] && [ -d /home/node ]'
    config "$image" '{{ .Config.Entrypoint }} {{ .Config.Cmd }}' '[docker-entrypoint.sh] [node]'
    answer "$image: a script is node's" 42 --entrypoint docker-entrypoint.sh "$PREFIX$image" -p '6 * 7'
    context
    printf '{"name":"t","version":"1.0.0","dependencies":{"express":"^5.1.0"}}' > "$WORK/context/package.json"
    build "$image: npm install, npm ci" <<DOCKERFILE
FROM BASE/$image AS builder
WORKDIR /app
COPY package.json ./
RUN npm install --package-lock-only && npm ci --omit=dev
FROM BASE/$image
WORKDIR /app
COPY --from=builder --chown=node:node /app/node_modules ./node_modules
USER node
CMD ["node", "-e", "require('express')(); console.log('express', process.getuid())"]
DOCKERFILE
    answer "$image: express runs as node" 'express 1000' "$TAG"
  done
}

golang() {
  local image
  for image in golang:1.27-alpine golang:1.27; do
    config "$image" '{{ .Config.WorkingDir }}' /go
    run 'the toolchain' "$image" 'go version | grep -q "go$GOLANG_VERSION" && [ "$(go env GOPATH GOTOOLCHAIN | tr "\n" " ")" = "/go local " ]'
    context
    printf 'module t\n\ngo 1.27\n' > "$WORK/context/go.mod"
    printf 'package main\n\nimport (\n\t"fmt"\n\t"net/http"\n)\n\nfunc main() { fmt.Println("hello", http.StatusOK) }\n' \
      > "$WORK/context/main.go"
    build "$image: a static program on scratch" <<DOCKERFILE
FROM BASE/$image AS builder
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/t . && go vet ./...
FROM scratch
COPY --from=builder /out/t /t
ENTRYPOINT ["/t"]
DOCKERFILE
    answer "$image: it runs" 'hello 200' "$TAG"
  done
  run 'cgo as there is a C compiler' golang:1.27 '[ "$(go env CGO_ENABLED)" = 1 ]'
  run 'no cgo as there is no C compiler' golang:1.27-alpine '[ "$(go env CGO_ENABLED)" = 0 ]'
}

python() {
  local image
  for image in python:3.13-slim python:3.13; do
    config "$image" '{{ .Config.Cmd }}' '[python3]'
    run 'where things are' "$image" '
      [ "$(command -v python) $(command -v pip)" = "/usr/local/bin/python /usr/local/bin/pip" ]
      python --version | grep -q "^Python 3.13" && pip install --root-user-action=ignore --quiet six
      [ -e /usr/local/lib/python3.13/site-packages/six.py ] && python -c "import six, ssl, sqlite3, ctypes, bz2, lzma, uuid, readline"'
    context
    build "$image: a virtual environment with flask and gunicorn" <<DOCKERFILE
FROM BASE/$image AS builder
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:\$PATH
RUN pip install --no-cache-dir flask gunicorn
FROM BASE/$image
COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:\$PATH
RUN useradd --create-home app
USER app
CMD ["python", "-c", "import flask, gunicorn, sys; print('flask', sys.prefix)"]
DOCKERFILE
    answer "$image: flask runs from it" 'flask /opt/venv' "$TAG"
  done
  context
  printf '#include <Python.h>\nstatic struct PyModuleDef m = {PyModuleDef_HEAD_INIT, "ext", 0, -1, 0};\nPyMODINIT_FUNC PyInit_ext(void) { return PyModule_Create(&m); }\n' \
    > "$WORK/context/ext.c"
  printf 'from setuptools import setup, Extension\nsetup(name="ext", version="1", ext_modules=[Extension("ext", ["ext.c"])])\n' \
    > "$WORK/context/setup.py"
  build 'python:3.13-slim: apt-get install gcc, a C extension in a wheel' <<'DOCKERFILE'
FROM BASE/python:3.13-slim AS builder
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN pip wheel --no-cache-dir --wheel-dir /wheels .
FROM BASE/python:3.13-slim
COPY --from=builder /wheels /wheels
RUN pip install --no-index --find-links /wheels ext
CMD ["python", "-c", "import ext; print(ext.__file__)"]
DOCKERFILE
  answer 'python:3.13-slim: the extension loads' ext.cpython-313 "$TAG"
}

nginx() {
  config nginx:1.26-alpine '{{ .Config.Entrypoint }} {{ .Config.Cmd }} {{ .Config.StopSignal }} {{ .Config.ExposedPorts }}' \
    '[/docker-entrypoint.sh] [nginx -g daemon off;] SIGQUIT map[80/tcp:{}]'
  config nginxinc/nginx-unprivileged:1.26-alpine '{{ .Config.User }}' 101
  run 'serves' nginx:1.26-alpine 'nginx -t && nginx && wget -qO- http://127.0.0.1/ | grep -q "nginx is running"
    [ "$(id -u nginx):$(id -g nginx)" = 101:101 ] && nginx -s quit'
  run 'serves as 101' nginxinc/nginx-unprivileged:1.26-alpine '[ "$(id -u)" = 101 ] && nginx
    wget -qO- http://127.0.0.1:8080/ | grep -q "nginx is running" && nginx -s quit'
  context
  build 'nginx:1.26-alpine: made unprivileged by the learner' <<'DOCKERFILE'
FROM BASE/nginx:1.26-alpine
RUN sed -i 's/listen  *80;/listen 8080;/' /etc/nginx/conf.d/default.conf \
 && sed -i '/^user /d; s#^pid .*#pid /tmp/nginx.pid;#' /etc/nginx/nginx.conf \
 && chown -R nginx:nginx /var/cache/nginx /var/log/nginx /usr/share/nginx/html
USER nginx
CMD ["sh", "-c", "nginx && wget -qO- http://127.0.0.1:8080/ && nginx -s quit"]
DOCKERFILE
  answer 'nginx:1.26-alpine: it then serves' 'nginx is running' "$TAG"
}

small() {
  local tag
  run 'curl' curlimages/curl:8.14.1 '[ "$(id -un)" = curl_user ] && curl --version | grep -q "^curl 8.14.1"'
  answer 'curlimages/curl:8.14.1: the entrypoint is curl' 'curl 8.14.1' "${PREFIX}curlimages/curl:8.14.1" --version
  context
  printf 'package main\n\nimport (\n\t"fmt"\n\t"os"\n\t"os/user"\n\t"time"\n)\n\nfunc main() {\n\tu, _ := user.Current()\n\tl, _ := time.LoadLocation("Europe/Zurich")\n\t_, err := os.Stat("/etc/ssl/certs/ca-certificates.crt")\n\tfmt.Println(u.Uid, u.HomeDir, l, err)\n}\n' \
    > "$WORK/context/main.go"
  printf 'module t\n\ngo 1.27\n' > "$WORK/context/go.mod"
  for tag in static base; do
    build "distroless $tag" <<DOCKERFILE
FROM BASE/golang:1.27 AS builder
WORKDIR /src
COPY . .
RUN if [ $tag = static ]; then CGO_ENABLED=0 go build -o /t .; else CGO_ENABLED=1 go build -o /t .; fi
FROM BASE/gcr.io/distroless/$tag-debian13:nonroot
COPY --from=builder /t /t
ENTRYPOINT ["/t"]
DOCKERFILE
    answer "distroless $tag: user, time zone, certificates" '65532 /home/nonroot Europe/Zurich <nil>' "$TAG"
    docker create --name "mslab-test-$$" "$TAG" > /dev/null
    docker export "mslab-test-$$" | tar -t > "$WORK/log"
    docker rm "mslab-test-$$" > /dev/null
    grep -qx t "$WORK/log" && ! grep -qE '(^|/)(sh|bash|dash|ash|busybox)$' "$WORK/log"
    verdict "distroless $tag: no shell" $?
  done
}

for part in "${@:-labels debian alpine node golang python nginx small}"; do
  for one in $part; do "$one"; done
done
exit "$failed"
