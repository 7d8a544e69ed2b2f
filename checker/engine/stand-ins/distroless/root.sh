#!/bin/sh
# Makes /static, the root of the static image, and /base, what the base image has beside it.
set -eu

s=/static
mkdir -p $s/bin $s/boot $s/dev $s/etc/ssl/certs $s/home $s/lib $s/proc $s/run $s/sbin $s/sys $s/usr/bin $s/usr/lib \
  $s/usr/sbin $s/usr/share $s/var/lib $s/var/log
mkdir -m 1777 $s/tmp $s/var/tmp
mkdir -m 700 $s/root $s/home/nonroot
chown 65532:65532 $s/home/nonroot
cat > $s/etc/passwd <<'FILE'
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
FILE
cat > $s/etc/group <<'FILE'
root:x:0:
tty:x:5:
staff:x:50:
nobody:x:65534:
nonroot:x:65532:
FILE
echo 'hosts: files dns' > $s/etc/nsswitch.conf
sed 's/^PRETTY_NAME=.*/PRETTY_NAME="mslab stand-in for Distroless (Debian 13)"/' /etc/os-release > $s/etc/os-release
cp /etc/ssl/certs/ca-certificates.crt $s/etc/ssl/certs/
cp -a /usr/share/zoneinfo $s/usr/share/
cp -aL /etc/localtime $s/etc/localtime 2>/dev/null || cp $s/usr/share/zoneinfo/Etc/UTC $s/etc/localtime
cp /etc/mime.types $s/etc/ 2>/dev/null || true
for file in netbase/protocols netbase/services; do cp "/etc/${file#*/}" $s/etc/ 2>/dev/null || true; done

# The C library's own libraries, and OpenSSL's; nothing here runs, so there is no program to start from.
directory=$(dirname "$(ldd /bin/ls | sed -n 's/.*=> \(\/[^ ]*\/libc\.so\.6\) .*/\1/p')")
loader=$(ldd /bin/ls | sed -n 's/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | grep ld-)
mkdir -p "/base$directory" "/base${loader%/*}"
cp -L "$loader" "/base$loader"
for library in libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libnss_files.so.2 libnss_dns.so.2 \
  libutil.so.1 libmvec.so.1 libssl.so.3 libcrypto.so.3 libz.so.1 libzstd.so.1; do
  for found in "$directory/$library" "/usr$directory/$library"; do
    [ ! -e "$found" ] || { cp -L "$found" "/base$directory/$library" && break; }
  done
done
