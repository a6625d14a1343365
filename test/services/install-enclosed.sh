#!/bin/bash
# Unpacks the POP3 servers that Debian lets nobody install beside Dovecot (all are `pop3-server`, and conflict): each, with the
# libraries that this machine lacks, into a folder that enclosure.ts lays over the system for one process tree. Nothing is installed,
# nothing is configured. Quick when all are there. Called by install.sh; needs root; without it, prints the command to run.
set -euo pipefail

cache=/var/cache/mailferry-test-servers
servers=(courier:courier-pop,courier-authlib-userdb cyrus:cyrus-pop3d,sasl2-bin,libsasl2-modules,libsasl2-modules-db
  mailutils:mailutils-pop3d popa3d:popa3d)
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
apt=(apt-get --quiet --quiet -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)

is_unpacked() { # NAME:PACKAGES ; the folder gets its name when it is whole, and another list of packages is another folder
  [ -d "$cache/${1%%:*}/root" ] && [ "$(cat "$cache/${1%%:*}/packages")" = "${1#*:}" ]
}

are_all_unpacked() {
  local server
  for server in "${servers[@]}"; do is_unpacked "$server" || return 1; done
  echo "all ${#servers[@]} enclosed servers are unpacked"
}

lacking() { # PACKAGE… ; new ones alone: what the machine has is good enough. Of what they recommend or depend on, no mail transport.
  "${apt[@]}" --simulate --no-install-recommends install "$@" </dev/null |
    sed -n 's/^Inst \([^ ]*\) (.*/\1/p' | grep -Ev '^(exim4|gnutls-bin)'
}

fetch() { # FOLDER PACKAGE… ; into the folder
  local folder=$1 names
  shift
  names=$(lacking "$@") || return 1
  # apt's own user may not write there, and says so.
  (cd "$folder" && xargs "${apt[@]}" -o APT::Sandbox::User=root download <<<"$names")
}

unpack() { # NAME PACKAGE…
  local name=$1 part
  shift
  staging=$(mktemp -d "$cache/.$name.XXXXXX")
  mkdir "$staging/archives" "$staging/root"
  # A fresh machine has no package lists, an old one has stale lists: fetch them only when the first attempt fails.
  fetch "$staging/archives" "$@" || { "${apt[@]}" update </dev/null && fetch "$staging/archives" "$@"; }
  for archive in "$staging"/archives/*.deb; do dpkg-deb --extract "$archive" "$staging/root"; done
  # On the system, /lib and the like are links into /usr, which a folder must not hide.
  for part in bin sbin lib lib64; do
    if [ -d "$staging/root/$part" ]; then
      mkdir -p "$staging/root/usr/$part"
      cp -a "$staging/root/$part/." "$staging/root/usr/$part/"
      rm -r "${staging:?}/root/$part"
    fi
  done
  dpkg-deb --field "$staging/archives/$1"_*.deb Version >"$staging/version"
  (IFS=,; echo "$*") >"$staging/packages"
  rm -r "$staging/archives"
  chmod 755 "$staging" "$staging/root"
  rm -rf "${cache:?}/$name"
  mv "$staging" "$cache/$name"
  echo "$name: $1 $(cat "$cache/$name/version") is unpacked"
}

are_all_unpacked && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "$0: needs root to unpack servers below $cache; run: sudo $0" >&2
  exit 1
fi
mkdir -p "$cache"
exec 9>"$cache/lock" # a second checkout waits here, and then finds all there
flock 9
staging=
trap 'rm -rf "$staging"' EXIT
for server in "${servers[@]}"; do
  is_unpacked "$server" && continue
  IFS=, read -ra packages <<<"${server#*:}"
  unpack "${server%%:*}" "${packages[@]}"
done
