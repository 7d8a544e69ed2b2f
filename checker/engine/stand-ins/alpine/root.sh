#!/bin/sh
# Makes /out: the root of the Alpine stand-in.
set -eu

out=/out
for dir in bin dev etc/apk etc/ssl/certs home lib media mnt opt proc run sbin srv sys usr/bin usr/lib usr/local/bin \
  usr/local/lib usr/local/share usr/sbin usr/share/apk var/cache/apk var/empty var/lib var/local var/log var/opt \
  var/spool; do
  mkdir -p "$out/$dir"
done
mkdir -m 1777 "$out/tmp" "$out/var/tmp"
mkdir -m 700 "$out/root"
ln -s ../run "$out/var/run"
ln -s ../run/lock "$out/var/lock"

# BusyBox, and its applets as links. Alpine has no dpkg or rpm: a check for package managers must not find them.
cp /usr/bin/busybox "$out/bin/busybox"
busybox --list-full | while read -r applet; do
  case ${applet##*/} in busybox | dpkg | dpkg-deb | rpm | rpm2cpio | linuxrc | getty) continue ;; esac
  ln -sf /bin/busybox "$out/$applet"
done
ln -sf /bin/busybox "$out/sbin/nologin"
rm -f "$out/usr/sbin/nologin"

# musl, under the names that programs for Alpine look for.
for libc in /usr/lib/*-linux-musl/libc.so; do
  machine=${libc#/usr/lib/} machine=${machine%%-*}
  cp -L "$libc" "$out/lib/ld-musl-$machine.so.1"
  chmod 755 "$out/lib/ld-musl-$machine.so.1"
  ln -s "ld-musl-$machine.so.1" "$out/lib/libc.musl-$machine.so.1"
done

cp /etc/ssl/certs/ca-certificates.crt "$out/etc/ssl/certs/ca-certificates.crt"
ln -s certs/ca-certificates.crt "$out/etc/ssl/cert.pem"
# What the images on top of this one configure their package managers with.
mkdir -p "$out/usr/local/share/mslab"
cp /usr/local/share/mslab/npmrc /usr/local/share/mslab/go.env "$out/usr/local/share/mslab/"

cp -a /files/. "$out/"
chmod 755 "$out"/usr/sbin/addgroup "$out"/usr/sbin/adduser "$out"/usr/sbin/deluser "$out"/sbin/apk
ln -s deluser "$out/usr/sbin/delgroup"
chmod 640 "$out/etc/shadow"
chown -R 0:0 "$out"
chown 0:42 "$out/etc/shadow"
