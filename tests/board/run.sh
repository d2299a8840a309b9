#!/usr/bin/env bash
# Runs the agent on an emulated Raspberry Pi 3A+ (512 MB) and reads line 17 of its BCM2835 controller back.
#
#   tests/board/run.sh
#
# Builds the arm64 program, boots it in QEMU with Debian's kernel, has it told "turn on the kitchen light"
# and looks at the line from outside the program (tests/board/init holds the checks). Exits 0 when every
# check holds, 1 when one fails, 77 when something that it needs is missing (it says what).
#
# Nothing is installed: Debian packages are fetched with apt-get and unpacked into a cache folder.
#   PINTAIL_BOARD_CACHE    that folder (default ~/.cache/pintail-board-test; about 1 GB with the build)
#   PINTAIL_BOARD_BINARY   an arm64 program to test instead of building one
#   PINTAIL_BOARD_QUICK    when set: only the program, not the test of the single lines
#   PINTAIL_BOARD_SECONDS  how long the board may take (default 300)
set -euo pipefail

tree=$(cd "$(dirname "$0")/../.." && pwd)
cache=${PINTAIL_BOARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pintail-board-test}
seconds=${PINTAIL_BOARD_SECONDS:-300}
target=aarch64-unknown-linux-gnu
libraries=/usr/aarch64-linux-gnu/lib

say() { echo "board: $*" >&2; }
skip() {
    say "SKIP: $*"
    exit 77
}

# What has to be installed, and the package that has it.
missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need qemu-system-aarch64 qemu-system-arm
need cpio cpio
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
[ -e "$libraries/libc.so.6" ] || missing+=(libc6-dev-arm64-cross)
[ ${#missing[@]} = 0 ] || skip "missing packages; install them with: sudo apt-get install ${missing[*]}"
command -v apt-get dpkg-deb >/dev/null || skip "apt-get and dpkg-deb are needed (a Debian or one of its children)"
mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial" "$cache/debs"
touch "$cache/apt/status"
host=$(dpkg --print-architecture)

# apt with lists of its own for both architectures: needs no root and changes nothing of the system's.
apt() {
    local command=$1
    shift
    "$command" -qq -o APT::Architectures::="$host" -o APT::Architectures::=arm64 \
        -o Dir::State::Lists="$cache/apt/lists" -o Dir::Cache="$cache/apt" \
        -o Dir::State::status="$cache/apt/status" -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)" "$@"
}
updated=
unpack() { # FOLDER PACKAGE:ARCH...: fetches packages and unpacks them, once
    local folder=$cache/$1 package
    shift
    [ -e "$folder/.complete" ] && return
    [ -n "$updated" ] || apt apt-get update || skip "apt-get update failed (no network?)"
    updated=1
    rm -rf "$folder"
    mkdir -p "$folder"
    for package in "$@"; do
        say "fetching $package"
        rm -f "$cache/debs/"*.deb
        (cd "$cache/debs" && apt apt-get download "$package") || skip "no package $package to be had"
        dpkg-deb -x "$cache/debs/"*.deb "$folder"
    done
    touch "$folder/.complete"
}
depends() { # PACKAGE PATTERN: the package's first dependency whose name fits, or nothing
    apt apt-cache depends "$1" | sed -n 's/^ *Depends: *//p' | awk -v name="^$2" -F : '!n && $1 ~ name { print $1; n = 1 }'
}
refresh() { # FOLDER: lists are needed to resolve names, but only when the folder is not there yet
    [ -e "$cache/$1/.complete" ] || [ -n "$updated" ] || {
        apt apt-get update || skip "apt-get update failed (no network?)"
        updated=1
    }
}

# The program.
if [ -n "${PINTAIL_BOARD_BINARY:-}" ]; then
    program=$PINTAIL_BOARD_BINARY
else
    export CARGO_TARGET_DIR=$cache/target
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    # Speed of the build before speed of the program: nothing here is measured.
    export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
        # No `rustup target add` here: Debian's compiler for its browsers brings an arm64 library.
        if [ ! -e "$cache/rust/.complete" ]; then
            refresh rust
            library=$(depends "libstd-rust-web-dev:$host" "libstd-rust-web-[0-9]")
            [ -n "$library" ] || skip "no package libstd-rust-web-dev; or: rustup target add $target"
            llvm=$(depends "$library:$host" libllvm)
            [ -n "$llvm" ] || skip "$library names no libllvm"
            unpack rust "rustc-web:$host" "$library:$host" "$llvm:$host" \
                "libstd-rust-web-dev:$host" libstd-rust-web-dev:arm64
        fi
        export RUSTC=$cache/rust/usr/bin/rustc RUSTFLAGS="--sysroot $cache/rust/usr"
        libs=$(dirname "$(find "$cache/rust" -name 'librustc_driver*.so' -print -quit)")
        export LD_LIBRARY_PATH=$libs
    fi
    say "building for $target"
    (cd "$tree" && nice cargo build --release --target "$target" --bin pintail)
    program=$CARGO_TARGET_DIR/$target/release/pintail
    if [ -z "${PINTAIL_BOARD_QUICK:-}" ]; then
        # The lines themselves: levels, covers, active low, what is busy (tests/board_lines.rs).
        lines=$(cd "$tree" && nice cargo test --release --target "$target" --test board_lines --no-run 2>&1 |
            tee /dev/stderr | sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
        [[ $lines = /* ]] || lines=$tree/$lines
    fi
fi

# The board: kernel, device tree, busybox.
if [ ! -e "$cache/kernel/.complete" ]; then
    refresh kernel
    image=$(depends linux-image-arm64:arm64 linux-image)
    [ -n "$image" ] || skip "no package linux-image-arm64"
    unpack kernel "$image:arm64"
fi
unpack busybox busybox-static:arm64
kernel=$(find "$cache/kernel/boot" -name 'vmlinuz-*' -print -quit)
tree_of_devices=$(find "$cache/kernel" -name bcm2837-rpi-3-a-plus.dtb -print -quit)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,lib,proc,sys,dev}
cp "$cache/busybox/bin/busybox" "$root/bin/"
cp "$program" "$root/bin/pintail"
[ -z "${lines:-}" ] || cp "$lines" "$root/bin/board_lines"
cp -r "$tree/agents" "$root/"
[ ! -d "$tree/tools" ] || cp -r "$tree/tools" "$root/"
cp "$tree/tests/board/init" "$root/init"
chmod +x "$root/init"
for library in ld-linux-aarch64.so.1 libc.so.6 libm.so.6 libgcc_s.so.1; do
    cp -L "$libraries/$library" "$root/lib/"
done
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initramfs.gz"

say "booting"
# iomem=relaxed lets the test read the controller's registers, which the kernel's driver holds. Without the
# blacklist entry QEMU 7.2 stops with an error. Power-off halts the board but does not end QEMU.
qemu-system-aarch64 -M raspi3ap -display none -serial null -serial "file:$work/console" -monitor none \
    -no-reboot -kernel "$kernel" -initrd "$work/initramfs.gz" -dtb "$tree_of_devices" \
    -append "console=ttyS1,115200 quiet loglevel=1 rdinit=/init iomem=relaxed initcall_blacklist=bcm2835_pm_driver_init" \
    </dev/null >"$work/qemu" 2>&1 &
qemu=$!
trap 'kill "$qemu" 2>/dev/null || true; wait "$qemu" 2>/dev/null || true; rm -rf "$work"' EXIT
for ((i = 0; i < seconds * 2; i++)); do
    if grep -q '^board test ends' "$work/console" 2>/dev/null || ! kill -0 "$qemu" 2>/dev/null; then break; fi
    sleep 0.5
done
tr -d '\r' <"$work/console" | sed 's/\x1b\[[0-9;]*[A-Za-z]//g' | sed -n '/^board: /,$p'
cat "$work/qemu" >&2
if grep -q '^board test passed' "$work/console"; then
    say "passed"
else
    grep -q '^board test ends' "$work/console" || say "no end within $seconds s"
    say "FAILED"
    exit 1
fi
