#!/bin/sh
# Installs the command line of userdrop {{version}} into ~/.local/bin, or where INSTALL_DIR says.
# It checks the archive by its SHA-256 sum and runs nothing of it.
set -eu

version={{version}}
base=${USERDROP_DOWNLOADS:-https://github.com/{{repository}}/releases/download/v$version}
directory=${INSTALL_DIR:-$HOME/.local/bin}

case $(uname -s) in
  Linux) system=linux ;;
  Darwin) system=darwin ;;
  *) echo "There is no archive for $(uname -s) that this script can install: see $base" >&2; exit 1 ;;
esac
case $(uname -m) in
  x86_64 | amd64) processor=amd64 ;;
  aarch64 | arm64) processor=arm64 ;;
  *) echo "There is no archive for the processor $(uname -m)." >&2; exit 1 ;;
esac

archive=userdrop_${version}_${system}_${processor}.tar.gz
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for file in "$archive" SHA256SUMS; do
  curl --fail --silent --show-error --location --output "$folder/$file" "$base/$file"
done

cd "$folder"
grep "  $archive\$" SHA256SUMS >wanted || { echo "SHA256SUMS does not list $archive." >&2; exit 1; }
if command -v sha256sum >/dev/null; then sha256sum --check --quiet wanted; else shasum -a 256 --check --quiet wanted; fi
tar -xzf "$archive"
mkdir -p "$directory"
install -m 755 "$(find . -name userdrop -type f | head -n 1)" "$directory/userdrop"

echo "Installed userdrop $version as $directory/userdrop"
case :$PATH: in
  *:"$directory":*) ;;
  *) echo "Add $directory to PATH to run it as userdrop." ;;
esac
