#!/usr/bin/env bash
# All checks of the project, from a bare machine: formatting, lints, tests on every device that a machine without a GPU
# can offer, examples, documentation. Prints how long each part took.
#
# usage: scripts/check.sh
#
# With CI set, build products go to the user's cache folder, so that dependencies are compiled once a machine.
set -euo pipefail
cd "$(dirname "$0")/.."

# One set of features for all devices: Burn picks the backend at run time, so it is compiled once. Autotuning is off: on
# software Vulkan it compiles for minutes to save microseconds.
features=(--workspace --no-default-features --features flex,ndarray,wgpu,mpi)
export RUST_BACKTRACE="${RUST_BACKTRACE:-0}"
if [[ -n "${CI:-}" ]]; then
    export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/recurrent/target}"
    # Nobody steps through these programs.
    export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 CARGO_TERM_COLOR=never
fi

step() {
    local name=$1 start=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    "$@"
    printf -- '-- %s: %d s\n' "$name" $((SECONDS - start))
}

# A C compiler, for the allocator.
compiler() {
    if ! command -v cc >/dev/null; then
        apt-get update -qq
        apt-get install -y -qq gcc libc6-dev >/dev/null
    fi
    cc --version | head -n 1
}

# A GPU's driver, or Mesa's software Vulkan in its place.
adapter() {
    if compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null || compgen -G '/etc/vulkan/icd.d/*.json' >/dev/null; then
        echo 'found a Vulkan driver'
    elif command -v apt-get >/dev/null; then
        apt-get update -qq
        apt-get install -y -qq mesa-vulkan-drivers libvulkan1 >/dev/null
    else
        echo 'no Vulkan driver: install one, for example Mesa (lavapipe computes on the CPU)' >&2
        return 1
    fi
}

# A library of MPI with its launcher, and the clang that reads its headers.
ranks() {
    if ! command -v mpirun >/dev/null || ! command -v mpicc >/dev/null || ! compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null; then
        apt-get update -qq
        apt-get install -y -qq openmpi-bin libopenmpi-dev libclang-dev >/dev/null
    fi
    mpirun --version | head -n 1
}

# The tables of measured numbers, against the records that they are generated from.
tables() {
    if ! command -v python3 >/dev/null; then
        apt-get update -qq
        apt-get install -y -qq python3 >/dev/null
    fi
    python3 scripts/tables.py --check
}

# Tests on software Vulkan compile shaders on one core most of the time, so they run beside the others.
tests() {
    local all=(cargo test --locked "${features[@]}" --lib --bins --tests) output gpu failed=0
    output=$(mktemp)
    "${all[@]}" --no-run
    "${all[@]}" -- wgpu >"$output" 2>&1 &
    gpu=$!
    "${all[@]}" -- --skip wgpu || failed=$?
    wait "$gpu" || failed=$?
    cat "$output"
    rm "$output"
    return "$failed"
}

# Training on a CPU, a few seconds each.
examples() {
    local built=${CARGO_TARGET_DIR:-target}/debug/examples
    cargo build --locked "${features[@]}" --examples
    BURN_DEVICE=flex "$built/parity"
    BURN_DEVICE=flex "$built/weather_predictor"
}

# The fused CPU operation again on each instruction set of the machine; the tests used the best one.
instructions() {
    local isa
    for isa in avx2 portable; do
        if [[ $isa == portable ]] || grep -qsw "$isa" /proc/cpuinfo; then
            RECURRENT_ISA=$isa cargo test --locked "${features[@]}" --test fused -- --skip wgpu
        fi
    done
}

started=$SECONDS
step 'formatting' cargo fmt --all --check
step 'tables' tables
step 'compiler' compiler
step 'adapter' adapter
step 'ranks' ranks
step 'lints' cargo clippy --locked "${features[@]}" --all-targets -- -D warnings
# What a program takes that only predicts.
step 'lints without training' cargo clippy --locked -p recurrent --no-default-features --features flex,zoo -- -D warnings
step 'lints without a backend' cargo clippy --locked -p recurrent -- -D warnings
step 'aarch64' scripts/check_aarch64.sh
step 'tests' tests
# Examples in the documentation run on the CPU: software Vulkan can crash when a program ends with work on the device.
step 'documentation tests' env BURN_DEVICE=flex cargo test --locked "${features[@]}" --doc
step 'instructions' instructions
step 'examples' examples
step 'documentation' env RUSTDOCFLAGS='-D warnings' cargo doc --locked "${features[@]}" --no-deps
printf '\nall checks passed in %d s\n' $((SECONDS - started))
