# What a script needs to know about the host to make a Debian root with debootstrap. Sourced, never run.
# shellcheck shell=bash disable=SC2016

# Prints the address of the Debian archive that the host's apt uses, or nothing where the host is not Debian
# (debootstrap then takes its own default). Only archives that debootstrap can read are printed.
debian_mirror() {
  local uri origin label component list
  while read -r uri origin label component; do
    [[ $origin == Debian && $label == Debian && $component == main ]] || continue
    if [[ $uri == mirror+file:* ]]; then
      list=${uri#mirror+file:} list=/${list#"${list%%[!/]*}"}
      uri=$(grep -Eom1 'https?://[^[:space:]]+' "${list%/}" 2>/dev/null || true)
    fi
    case $uri in
      http://* | https://*) printf '%s\n' "${uri%/}" && return ;;
    esac
  done < <(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL) $(COMPONENT)' \
    'Created-By: Packages' 2>/dev/null)
}

# Lets debootstrap's downloads go through the proxy that apt is told to use, unless the environment names one.
export_apt_proxy() {
  local proxy
  proxy=$(apt-config shell proxy Acquire::http::Proxy 2>/dev/null || true)
  proxy=${proxy#proxy=} proxy=${proxy//\'/}
  if [[ -n $proxy && $proxy != DIRECT && -z ${http_proxy:-} ]]; then export http_proxy=$proxy; fi
  proxy=$(apt-config shell proxy Acquire::https::Proxy 2>/dev/null || true)
  proxy=${proxy#proxy=} proxy=${proxy//\'/}
  if [[ -n $proxy && $proxy != DIRECT && -z ${https_proxy:-} ]]; then export https_proxy=$proxy; fi
}

# debian_root SUITE ROOT PACKAGE,PACKAGE…: a minimal Debian in the new folder ROOT, verified by Debian's own keys.
# debootstrap's output goes to ROOT.log.
debian_root() {
  local suite=$1 root=$2 include=$3 mirror
  local scripts=/usr/share/debootstrap/scripts keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  local -a args=(--variant=minbase "--include=$include" "--keyring=$keyring" "$suite" "$root")
  mirror=$(debian_mirror)
  if [[ -z $mirror ]]; then
    # A fresh host has not fetched the lists that tell whose archive is whose.
    apt-get update > "$root.log" 2>&1 || true
    mirror=$(debian_mirror)
  fi
  export_apt_proxy
  # A suite younger than the host's debootstrap has no script there; every Debian suite's is a link to sid's.
  if [[ -n $mirror ]]; then
    args+=("$mirror")
    [[ -e $scripts/$suite ]] || args+=("$scripts/sid")
  elif [[ ! -e $scripts/$suite ]]; then
    mirror=$(sed -n 's/^DEF_MIRROR="\(.*\)"$/\1/p' "$(command -v debootstrap)")
    args+=("$mirror" "$scripts/sid")
  fi
  debootstrap "${args[@]}" > "$root.log" 2>&1
}
