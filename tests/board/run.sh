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
#   PINTAIL_BOARD_CACHE    that folder (arm64.sh)
#   PINTAIL_BOARD_BINARY   an arm64 program to test instead of building one
#   PINTAIL_BOARD_QUICK    when set: only the program, not the test of the single lines
#   PINTAIL_BOARD_SECONDS  how long the board may take (default 300)
set -euo pipefail

tree=$(cd "$(dirname "$0")/../.." && pwd)
name=board
seconds=${PINTAIL_BOARD_SECONDS:-300}
. "$tree/tests/board/arm64.sh"

need qemu-system-aarch64 qemu-system-arm
need cpio cpio
needed

# The program.
if [ -n "${PINTAIL_BOARD_BINARY:-}" ]; then
    program=$PINTAIL_BOARD_BINARY
else
    export CARGO_TARGET_DIR=$cache/target
    # Speed of the build before speed of the program: nothing here is measured.
    export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
    toolchain
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
