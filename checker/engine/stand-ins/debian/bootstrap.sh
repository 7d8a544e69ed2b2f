#!/usr/bin/env bash
# bootstrap.sh OUT.tar: the stand-in for debian:trixie-slim, from which all others are built. A minimal Debian from the
# archive that the host's apt uses, with what the host knows about getting out: its certificate authorities, its package
# mirrors, its proxies; as files and configuration, never as environment that learners' images would inherit.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=checker/engine/stand-ins/debian/host.sh
. "$HERE/host.sh"

SUITE=trixie
# What the other stand-ins copy from: the host's CA bundle, pip.conf, npmrc, goproxy.
SHARE=usr/local/share/mslab

die() {
  printf 'stand-ins: %s\n' "$*" >&2
  exit 1
}

# Removes what Debian's own slim image leaves out, and all that an image has no use for.
slim() {
  local root=$1
  rm -rf "$root"/usr/share/{doc,man,info,locale,lintian,groff,linda}/* \
    "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/* \
    "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root"/var/log/* \
    "$root"/etc/hostname "$root"/etc/resolv.conf
  printf 'path-exclude /usr/share/%s/*\n' doc man info locale lintian groff linda > "$root/etc/dpkg/dpkg.cfg.d/docker"
  printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  cat > "$root/etc/apt/apt.conf.d/docker-clean" <<'CONF'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
APT::AutoRemove::SuggestsImportant "false";
CONF
}

# A certificate authority that only the host knows (a company's inspecting proxy) joins the bundle that
# ca-certificates makes when an image installs it; the slim image itself has no bundle, like Debian's.
certificates() {
  local root=$1 bundle=/etc/ssl/certs/ca-certificates.crt
  [[ -s $bundle ]] || return 0
  cp "$bundle" "$root/$SHARE/ca-certificates.crt"
  mkdir -p "$root/usr/local/share/ca-certificates"
  find /usr/share/ca-certificates -name '*.crt' -exec cat {} + 2>/dev/null |
    awk -v out="$root/usr/local/share/ca-certificates/host-" '
      /-----BEGIN CERTIFICATE-----/ { inside = 1; key = ""; text = "" }
      inside { text = text $0 "\n"; if ($0 !~ /-----/) key = key $0 }
      /-----END CERTIFICATE-----/ {
        inside = 0
        if (FILENAME == "-") known[key] = 1
        else if (!(key in known)) { known[key] = 1; file = out (++n) ".crt"; printf "%s", text > file; close(file) }
      }' - "$bundle"
}

# A host's address of a package mirror or proxy, as each package manager wants it written.
mirrors() {
  local root=$1 value name
  {
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$2" "$SUITE"
    printf 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n'
  } > "$root/etc/apt/sources.list.d/debian.sources"
  rm -f "$root/etc/apt/sources.list"
  {
    [[ ! -s $root/$SHARE/ca-certificates.crt ]] || echo "Acquire::https::CAInfo \"/$SHARE/ca-certificates.crt\";"
    [[ -z ${http_proxy:-} ]] || echo "Acquire::http::Proxy \"$http_proxy\";"
    [[ -z ${https_proxy:-} ]] || echo "Acquire::https::Proxy \"$https_proxy\";"
  } > "$root/etc/apt/apt.conf.d/90stand-in"

  {
    echo '[global]'
    [[ ! -s $root/$SHARE/ca-certificates.crt ]] || echo "cert = /$SHARE/ca-certificates.crt"
    for name in index-url extra-index-url trusted-host proxy; do
      value=$(python3 -m pip config get "global.$name" 2>/dev/null || true)
      [[ -z $value ]] || printf '%s = %s\n' "$name" "${value//$'\n'/ }"
    done
  } > "$root/$SHARE/pip.conf"

  {
    [[ ! -s $root/$SHARE/ca-certificates.crt ]] || echo "cafile=/$SHARE/ca-certificates.crt"
    printf 'update-notifier=false\nfund=false\n'
    for name in registry proxy https-proxy; do
      value=$(npm config get "$name" 2>/dev/null || true)
      [[ -z $value || $value == null || $value == undefined ]] || printf '%s=%s\n' "$name" "$value"
    done
  } > "$root/$SHARE/npmrc"

  # Only what somebody set: a learner's Go asks the usual proxy otherwise.
  for name in GOPROXY GOSUMDB GONOSUMDB; do
    value=${!name:-$(go env "$name" 2>/dev/null || true)}
    [[ -z $value ]] || printf '%s=%s\n' "$name" "$value"
  done > "$root/$SHARE/go.env"
}

# debootstrap may be interrupted with its own mounts in place; nothing is removed across a mount.
tidy() {
  umount "$1/root/proc" "$1/root/sys" 2>/dev/null || true
  rm -rf --one-file-system -- "$1"
}

main() {
  local out=${1:-} work root mirror
  [[ -n $out ]] || die "usage: bootstrap.sh OUT.tar"
  [[ $(uname -s) == Linux ]] || die "stand-ins are made on Linux; pull the real images here instead"
  [[ $EUID -eq 0 ]] || die "making the Debian stand-in needs root: run it with sudo, or pull the real images instead"
  command -v debootstrap > /dev/null ||
    die "debootstrap is missing: run \`apt-get install debootstrap debian-archive-keyring\`, or pull the real images instead"
  [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] ||
    die "Debian's keys are missing: run \`apt-get install debian-archive-keyring\`"
  work=$(mktemp -d "${TMPDIR:-/var/tmp}/mslab-debian.XXXXXX")
  # shellcheck disable=SC2064 # the folder's name is known now, and no longer when the trap runs
  trap "tidy '$work'" EXIT
  root=$work/root
  mkdir "$root"
  if ! debian_root "$SUITE" "$root" debian-archive-keyring; then
    tail -n 5 "$root.log" >&2
    die "debootstrap failed. Usual causes: no way to the Debian archive, no space in ${work%/*}"
  fi
  mirror=$(sed -n 's/^deb \([^ ]*\) .*/\1/p' "$root/etc/apt/sources.list" | head -n 1)
  mkdir -p "$root/$SHARE"
  slim "$root"
  certificates "$root"
  mirrors "$root" "$mirror"
  chmod -R a+rX "$root/usr/local/share"
  # The link's target is replaced by a file, so that the package's own os-release stays what dpkg installed.
  sed -e 's/^PRETTY_NAME=.*/PRETTY_NAME="mslab stand-in for Debian GNU\/Linux 13 (trixie)"/' \
    "$root/usr/lib/os-release" > "$work/os-release"
  rm -f "$root/etc/os-release"
  cp "$work/os-release" "$root/etc/os-release"
  chmod 644 "$root/etc/os-release"
  tar --sort=name --numeric-owner --one-file-system --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' \
    -C "$root" -cf "$out.partial" .
  mv "$out.partial" "$out"
}

main "$@"
