#!/bin/bash
# What a user gets: packs the project, installs the tarball into an empty folder far from the sources, and runs it there.
# Builds dist/ on the way (prepack). Fails where the tarball lacks a file that the program needs, or has one it should not.
set -euo pipefail
cd "$(dirname "$0")/../.."
project=$PWD

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

npm pack --silent --pack-destination "$scratch" >"$scratch/name"
tarball=$scratch/$(tail -n 1 "$scratch/name")
tar -tzf "$tarball" >"$scratch/files"
echo "packed $(wc -l <"$scratch/files") files, $(wc -c <"$tarball") octets"

if grep -E '^package/(src|test|scripts|\.ci)/|\.map$' "$scratch/files"; then
  echo "the files above are not for users: see \"files\" in package.json" >&2
  exit 1
fi

mkdir "$scratch/user"
cd "$scratch/user"
echo '{ "private": true }' >package.json
npm install --silent --no-audit --no-fund "$tarball" </dev/null

expected=$(tar -xzOf "$tarball" package/package.json | node -p 'JSON.parse(require("node:fs").readFileSync(0)).version')
version=$(node_modules/.bin/mailferry --version </dev/null)
if [ "$version" != "$expected" ]; then
  echo "mailferry --version printed \"$version\", expected \"$expected\"" >&2
  exit 1
fi
node_modules/.bin/mailferry --help </dev/null >"$scratch/help"

# The demo runs in the empty folder and archives real mail from a real socket, with the code that was compiled at build time.
if ! TMPDIR=$scratch node "$project/test/package/kept-code.cjs" "$PWD/node_modules/mailferry" </dev/null >"$scratch/demo" 2>&1; then
  cat "$scratch/demo"
  echo "mailferry demo failed from the installed package" >&2
  exit 1
fi
tail -n 15 "$scratch/demo"
echo "mailferry $version installs and runs from its tarball"
