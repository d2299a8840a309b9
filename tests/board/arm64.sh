# Sourced by the scripts that need an arm64 build (tests/board/run.sh, tests/neon.sh): a cache folder, Debian packages unpacked into
# it without installing anything, and a compiler for arm64.
#   PINTAIL_BOARD_CACHE    the folder (default ~/.cache/pintail-board-test; about 1 GB with the build)

cache=${PINTAIL_BOARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pintail-board-test}
target=aarch64-unknown-linux-gnu
libraries=/usr/aarch64-linux-gnu/lib

say() { echo "$name: $*" >&2; }
skip() {
    say "SKIP: $*"
    exit 77
}

# What has to be installed, and the package that has it; "needed" ends with 77 where something is missing.
missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
needed() {
    need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
    [ -e "$libraries/libc.so.6" ] || missing+=(libc6-dev-arm64-cross)
    [ ${#missing[@]} = 0 ] || skip "missing packages; install them with: sudo apt-get install ${missing[*]}"
    command -v apt-get dpkg-deb >/dev/null || skip "apt-get and dpkg-deb are needed (a Debian or one of its children)"
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial" "$cache/debs"
    touch "$cache/apt/status"
    host=$(dpkg --print-architecture)
}

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
# Sets the environment so that cargo builds for $target, with rustup's library or else one of Debian's.
toolchain() {
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    local library llvm
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
}
