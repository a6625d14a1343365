#!/bin/bash
# Compiles the optional package `kerberos` for the tests of GSSAPI, outside of the checkout: package.json, lockfile and node_modules stay
# as they are, and `npm ci` does not take it away. Its binary (Node-API) suits every Node that mailferry runs on. Quick when it is there.
# Called by install.sh, which has what it compiles with; needs root; without it, prints the command to run.
set -euo pipefail

version=7.0.0
cache=/var/cache/mailferry-test-kerberos
target=$cache/current

is_compiled() {
  local package=$target/node_modules/kerberos
  [ -f "$package/build/Release/kerberos.node" ] && grep -q "\"version\": \"$version\"" "$package/package.json"
}

if is_compiled; then
  echo "the npm package kerberos $version is compiled"
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "$0: needs root to write below $cache; run: sudo $0" >&2
  exit 1
fi
mkdir -p "$cache"
exec 9>"$cache/lock" # a second checkout waits here, and then finds it there
flock 9
is_compiled && exit 0

staging=$(mktemp -d "$cache/.staging.XXXXXX")
trap 'rm -rf "$staging"' EXIT
echo '{ "private": true }' >"$staging/package.json"
# No ready-made binary from elsewhere; and the headers of this very Node where they lie beside it, so that none are fetched.
export npm_config_build_from_source=true
prefix=$(node -p 'require("node:path").resolve(process.execPath, "../..")')
if [ -f "$prefix/include/node/node_api.h" ]; then export npm_config_nodedir=$prefix; fi
npm install --prefix "$staging" --ignore-scripts=false --silent --no-audit --no-fund --save-exact "kerberos@$version" </dev/null
node -e 'require(process.argv[1])' "$staging/node_modules/kerberos"
chmod 755 "$staging"
rm -rf "$target"
mv "$staging" "$target"
echo "the npm package kerberos $version is compiled"
