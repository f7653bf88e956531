#!/usr/bin/env bash
# Type-checks the kernels' NEON path for aarch64.
#
# usage: scripts/check_aarch64.sh [CACHE]
#
# It takes the target of the project's own toolchain where that is installed (`rustup target add
# aarch64-unknown-linux-gnu`), or else Debian's newest compiler with the standard library of arm64, which it unpacks into
# CACHE and does not install. Where neither is to be had it says so and checks nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
cache=$(realpath -m "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/recurrent/aarch64}")
root=$cache/root

check() {
    cargo check --locked -p recurrent-kernels --lib --features flex --target "$target" --target-dir "$cache/target"
}

# Debian's compiler for building browsers is newer than its `rustc`; its packages have the version in their names.
unpack_debian() {
    local apt=(-qq -o APT::Architectures::=amd64 -o APT::Architectures::=arm64 -o "Dir::State::lists=$cache/lists"
        -o "Dir::Cache=$cache/apt")
    local dev=libstd-rust-web-dev dependencies
    mkdir -p "$cache/lists/partial" "$cache/apt/archives/partial" "$cache/debs" "$root"
    apt-get "${apt[@]}" update || return
    dependencies=$(apt-cache "${apt[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances rustc-web 2>/dev/null | grep -E '^(libstd-rust-web-[0-9]|libllvm|libz3)' |
        grep -v ':arm64' | sort -u)
    (cd "$cache/debs" && apt-get "${apt[@]}" download rustc-web "$dev" "$dev:arm64" $dependencies) || return
    for deb in "$cache"/debs/*.deb; do
        dpkg -x "$deb" "$root" || return
    done
}

if [[ -d $(rustc --print target-libdir --target "$target") ]]; then
    check
    exit
fi
if [[ ! -x $root/usr/bin/rustc ]] && ! { command -v apt-get >/dev/null && unpack_debian; }; then
    rm -rf "$root"
    echo "no standard library of Rust for $target is to be had here: the NEON path was not checked" >&2
    exit 0
fi
export RUSTC=$root/usr/bin/rustc
export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu:$root/usr/lib
check
