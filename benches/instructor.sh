#!/usr/bin/env bash
# What an instructor writes when there is no mslab: the checks of the Go lab with the docker command and a shell.
# usage: instructor.sh FOLDER
set -uo pipefail
cd "$1" || exit 2
image=instructor-check:go
failed=0
verdict() { # NAME: takes the exit code of the command before
  if [[ $? == 0 ]]; then echo "ok      $1"; else echo "FAILED  $1"; failed=1; fi
}

docker build -q --target production -t $image . >/dev/null
verdict "builds"

size=$(docker images --format '{{.Size}}' $image)
awk -v s="$size" 'BEGIN { n = s + 0; if (s ~ /kB/) n /= 1000; if (s ~ /GB/) n *= 1000; exit !(n <= 15) }'
verdict "at most 15 MB ($size)"

! docker run --rm --network none --entrypoint sh $image -c true >/dev/null 2>&1
verdict "no shell starts"

entry=$(docker inspect --format '{{index .Config.Entrypoint 0}}' $image)
container=$(docker create $image)
docker cp -q "$container:$entry" /tmp/instructor-binary && file -L /tmp/instructor-binary | grep -q 'statically linked'
verdict "the binary is static"
docker cp -q "$container:/etc/ssl/certs/ca-certificates.crt" - >/dev/null 2>&1
verdict "certificates are there"
docker rm "$container" >/dev/null

user=$(docker inspect --format '{{.Config.User}}' $image)
[[ -n $user && $user != root && $user != 0 && $user != 0:* ]]
verdict "not root ($user)"

docker inspect --format '{{json .Config.Entrypoint}}' $image | grep -vq '"/bin/sh"'
verdict "no shell form"
exit $failed
