#!/bin/bash
# Installs the Debian packages that the integration tests use (default) or also those that the bench compares with
# (`--bench`), unpacks servers that cannot be installed side by side (install-enclosed.sh), and compiles an optional npm
# package (install-kerberos.sh). Quick when all are there.
# Needs root; without it, prints the command to run and exits with 1.
set -euo pipefail
enclosed=$(dirname "$0")/install-enclosed.sh
kerberos=$(dirname "$0")/install-kerberos.sh

packages=(ceph-mon ceph-osd curl dovecot-core dovecot-gssapi dovecot-pop3d e2fsprogs faketime g++ gcc git krb5-admin-server
  krb5-kdc krb5-user libkrb5-dev make microsocks mount mpop mutt notmuch openssl python3 python3-gssapi radosgw socat sqlite3
  strace swift-account swift-container swift-object swift-proxy tinyproxy-bin tshark)
case ${1-} in
  '') ;;
  --bench) packages+=(fdm fetchmail getmail6 time) ;;
  *) echo "usage: $0 [--bench]" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "all ${#packages[@]} packages are installed"
  "$enclosed"
  exec "$kerberos"
fi

# The lock timeout waits for another apt (unattended upgrades, a second checkout) instead of failing at once.
apt=(apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
install=("${apt[@]}" install --yes --no-install-recommends "${missing[@]}")
if [ "$(id -u)" -ne 0 ]; then
  echo "$0: needs root to install ${missing[*]}; run: sudo ${apt[*]} update && sudo ${install[*]}" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
# A fresh machine has no package lists, an old one has stale lists: fetch them only when the first attempt fails.
"${install[@]}" </dev/null || { "${apt[@]}" update </dev/null && "${install[@]}" </dev/null; }
"$enclosed"
"$kerberos"
