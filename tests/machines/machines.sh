#!/bin/sh
# machines/machines.sh - `./dev machines`: builds for machines that this one is not, and tests there.
# dev reads this file; what it calls (say, die, want, configure, build, run_tests) is dev's.
#
# A machine of another kind gets its libraries from Debian's packages, unpacked into a folder of their own: nothing
# foreign is installed. Its programs run under QEMU, those of i386 and musl on this kernel itself.
# shellcheck shell=sh

machines_dir=build-machines

# Everything that Debian has for us. What it has not, and what therefore is not tried, is said at the end of each run.
all_machines='clang i386 arm64 s390x musl'

libraries='libpng-dev zlib1g-dev libjpeg-dev libdeflate-dev libtiff-dev libwebp-dev libutf8proc-dev libjansson-dev
  libxxhash-dev check'
sources='check zlib libpng1.6 libjpeg-turbo libdeflate utf8proc jansson xxhash'

# triplet ARCHITECTURE: the name of its compiler and of its folders.
triplet() {
  case $1 in
    i386) echo i686-linux-gnu ;;
    arm64) echo aarch64-linux-gnu ;;
    s390x) echo s390x-linux-gnu ;;
  esac
}

# private_apt FOLDER ARCHITECTURE deb|deb-src: settings with which apt works in FOLDER alone, as if nothing were
# installed, with Debian's own sources of this machine. Security updates are left out: nothing of this is installed, and
# mirrors have some of their lists without their files.
private_apt() {
  rm -rf "$1"
  mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial"
  : >"$1/status"
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -f "$keyring" ] && signed="[signed-by=$keyring] " || signed=''
  # shellcheck disable=SC2016 # apt's own names
  apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    grep -v -- -security | sort -u | sed "s|^|$3 $signed|" >"$1/sources.list"
  cat >"$1/apt.conf" <<TEXT
APT::Architecture "$2";
APT::Architectures { "$2"; };
APT::Sandbox::User "root";
Acquire::Retries "3";
Dir::State "$1/state";
Dir::State::status "$1/status";
Dir::Cache "$1/cache";
Dir::Etc::sourcelist "$1/sources.list";
Dir::Etc::sourceparts "$1/none";
TEXT
}

# Links in a package begin at the machine's root: here they lead on within FOLDER.
keep_links_inside() { # FOLDER
  find "$1" -type l -lname '/*' | while read -r link; do
    ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$1$(readlink "$link")")" "$link"
  done
}

# sysroot ARCHITECTURE: the C library and what the build uses, unpacked.
sysroot() {
  top=$PWD/$machines_dir/$1
  if [ "$(cat "$top/packages" 2>/dev/null)" = "$libraries" ]; then return; fi
  say "unpacking Debian's libraries for $1 into $machines_dir/$1/root"
  lock packages
  private_apt "$top" "$1" deb
  # shellcheck disable=SC2086 # a list of words
  { APT_CONFIG=$top/apt.conf apt-get update &&
    APT_CONFIG=$top/apt.conf apt-get install -y --no-install-recommends --download-only \
      libc6-dev libgcc-12-dev $libraries; } >"$top/log" 2>&1 ||
    { tail -n 5 "$top/log" >&2; die "no packages for $1 (log: $machines_dir/$1/log; Ubuntu keeps other machines elsewhere)"; }
  unlock
  for package in "$top"/cache/archives/*.deb; do dpkg -x "$package" "$top/root"; done
  keep_links_inside "$top/root"
  rm -rf "$top/cache" "$top/state"
  echo "$libraries" >"$top/packages"
}

# cross_file ARCHITECTURE FAMILY ENDIAN BINARY OPTION: what Meson has to know; a line more for each of two sections.
cross_file() {
  root=$PWD/$machines_dir/$1/root
  name=$(triplet "$1")
  cat >"$machines_dir/$1/cross.ini" <<TEXT
[binaries]
c = [$(have ccache && echo "'ccache', ")'$name-gcc', '--sysroot=$root']
ar = '$name-gcc-ar'
nm = '$name-gcc-nm'
strip = '$name-strip'
pkgconfig = 'pkg-config'
$4
[host_machine]
system = 'linux'
cpu_family = '$2'
cpu = '$2'
endian = '$3'
[properties]
sys_root = '$root'
pkg_config_libdir = '$(packages_folder "$root")/pkgconfig'
[built-in options]
$5
TEXT
}

# packages_folder ROOT: where its libraries are. That of i386 is named after another processor than its compiler.
packages_folder() { dirname "$(find "$1/usr/lib" -maxdepth 2 -name libpng16.so)"; }

# cross_emulated ARCHITECTURE FAMILY ENDIAN EMULATOR [ARGUMENT ...]
cross_emulated() {
  machine=$1 family=$2 endian=$3
  shift 3
  cross_file "$machine" "$family" "$endian" \
    "exe_wrapper = [$(printf "'%s', " "$@")'-L', '$PWD/$machines_dir/$machine/root']" ''
}

# This kernel runs i386's programs itself, with the C library from the folder. (Old tags: libraries of libraries, too.)
cross_i386() {
  root=$PWD/$machines_dir/i386/root
  folder=$(packages_folder "$root")
  cross_file i386 x86 little '' \
    "c_link_args = ['-Wl,--disable-new-dtags', '-Wl,--dynamic-linker=$root/lib/ld-linux.so.2', '-Wl,-rpath,$folder:$root/lib/${folder##*/}']"
}

# from_source: Check and the libraries that the build uses, from Debian's sources, for musl.
from_source() {
  top=$PWD/$machines_dir/musl
  if [ "$(cat "$top/packages" 2>/dev/null)" = "$sources" ]; then return; fi
  say "building Debian's sources of $sources for musl"
  lock packages
  private_apt "$top" "$(dpkg --print-architecture)" deb-src
  # shellcheck disable=SC2086 # a list of words
  (cd "$top" && export APT_CONFIG="$top/apt.conf" && apt-get update && apt-get source -q $sources) >"$top/log" 2>&1 ||
    { tail -n 5 "$top/log" >&2; die "Debian's sources cannot be had (log: $machines_dir/musl/log)"; }
  unlock
  (cd "$top"/zlib-*/ && CC=musl-gcc ./configure --static --prefix="$top/root" >configure.out 2>&1)
  musl_make "$top" "$top"/zlib-*/
  musl_make "$top" "$top"/libdeflate-*/ DISABLE_SHARED=1
  musl_make "$top" "$top"/xxhash-*/
  for source in "$top"/check-*/ "$top"/libpng1.6-*/ "$top"/libjpeg-turbo-*/ "$top"/utf8proc-*/ \
    "$top"/jansson-*/; do
    musl_cmake "$top" "${source%/}"
  done
  rm -f "$top"/root/lib/*.so* # archives alone, so that a program needs no folder
  ln -sf libcheck.a "$top/root/lib/libcheck_pic.a" # the name that Check tells pkg-config
  echo "$sources" >"$top/packages"
}

# musl_cmake TOP SOURCE: builds and installs its archive into TOP/root.
musl_cmake() {
  options='-DBUILD_SHARED_LIBS=OFF -DENABLE_SHARED=OFF -DPNG_SHARED=OFF -DPNG_TESTS=OFF -DWITH_SIMD=OFF
    -DWITH_TURBOJPEG=OFF -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF
    -DCHECK_ENABLE_TESTS=OFF -DCHECK_ENABLE_SUBUNIT=OFF'
  # shellcheck disable=SC2086 # a list of words
  { CC=musl-gcc cmake -S "$2" -B "$2/build" -G Ninja -Wno-dev -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$1/root" \
      -DCMAKE_INSTALL_DEFAULT_LIBDIR=lib -DCMAKE_PREFIX_PATH="$1/root" -DCMAKE_FIND_ROOT_PATH="$1/root" \
      -DCMAKE_POSITION_INDEPENDENT_CODE=ON $options &&
    ninja -C "$2/build" install; } >"$2.log" 2>&1 || { tail -n 20 "$2.log" >&2; die "$2 cannot be built (log: $2.log)"; }
}

musl_make() { # TOP SOURCE [VARIABLE=VALUE]
  make -C "$2" CC=musl-gcc CFLAGS='-O2 -fPIC' PREFIX="$1/root" ${3:+"$3"} install >"$2/make.out" 2>&1 ||
    { tail -n 20 "$2/make.out" >&2; die "$2 cannot be built"; }
}

native_file() { # for musl
  root=$PWD/$machines_dir/musl/root
  cat >"$machines_dir/musl/native.ini" <<TEXT
[binaries]
c = [$(have ccache && echo "'ccache', ")'musl-gcc']
pkgconfig = 'pkg-config'
[properties]
pkg_config_libdir = '$root/lib/pkgconfig'
[built-in options]
prefer_static = true
TEXT
}

# ---- One machine ----------------------------------------------------------------------------

want_machine() {
  case $1 in
    clang) have clang || want clang ;;
    musl) have musl-gcc || want musl-tools; have dpkg-source || want dpkg-dev; have make || want make ;;
    i386) have i686-linux-gnu-gcc || missing="$missing gcc-i686-linux-gnu libc6-dev-i386-cross" ;;
    arm64)
      have aarch64-linux-gnu-gcc || missing="$missing gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
      have qemu-aarch64 || want qemu-user
      ;;
    s390x)
      have s390x-linux-gnu-gcc || missing="$missing gcc-s390x-linux-gnu libc6-dev-s390x-cross"
      have qemu-s390x || want qemu-user
      ;;
    *) die "machines: $1 is none of: $all_machines" ;;
  esac
}

# machine_build NAME: its folder. That of clang is ./dev lint's, too.
machine_build() { [ "$1" = clang ] && echo build-clang || echo "$machines_dir/$1/build"; }

# configure_machine NAME OPTION ...
configure_machine() {
  machine=$1
  shift
  set -- "$machines_dir/$machine/build" -Dbuildtype=release -Dwerror=true -Dtorch=disabled -Dcuda=disabled -Dtests=enabled \
    -Dtools=enabled -Dpng=enabled -Djpeg=enabled -Ddeflate=enabled -Djson=enabled -Dunicode=enabled "$(python_option)" "$@"
  [ "$machine" = musl ] && tiff_webp=disabled || tiff_webp=enabled
  set -- "$@" "-Dtiff=$tiff_webp" "-Dwebp=$tiff_webp"
  mkdir -p "$machines_dir/$machine"
  case $machine in
    clang) configure_clang ;;
    musl) from_source; native_file; configure "$@" --native-file "$machines_dir/musl/native.ini" ;;
    i386) sysroot i386; cross_i386; configure "$@" --cross-file "$machines_dir/i386/cross.ini" ;;
    arm64)
      sysroot arm64
      cross_emulated arm64 aarch64 little qemu-aarch64
      configure "$@" --cross-file "$machines_dir/arm64/cross.ini"
      ;;
    s390x)
      sysroot s390x
      cross_emulated s390x s390x big qemu-s390x
      configure "$@" --cross-file "$machines_dir/s390x/cross.ini"
      ;;
  esac
}

# foreign_tool NAME: its tool with what runs it.
foreign_tool() {
  root=$PWD/$machines_dir/$1/root
  case $1 in
    arm64) printf 'qemu-aarch64 -L %s ' "$root" ;;
    s390x) printf 'qemu-s390x -L %s ' "$root" ;;
  esac
  echo "$PWD/$(machine_build "$1")/tool/freemask"
}

# Check's clock and its processes of their own are not for an emulator: a check takes minutes there, and what two
# processes write of one file arrives in disorder.
# test_machine NAME whole|sample: unit tests, kernels and golden files there; the tool against the one of this machine.
test_machine() {
  dir=$(machine_build "$1")
  mkdir -p "$machines_dir/$1"
  export FREEMASK_TEST_NO_LIMIT=1
  case $1 in arm64 | s390x) export CK_FORK=no ;; esac
  if [ "$2" = whole ]; then
    run_tests "$dir" --timeout-multiplier 20 --no-suite interface --no-suite python --no-suite bench --no-suite torch
  else
    case $1 in arm64 | s390x) files='' ;; *) files=io ;; esac # minutes under QEMU; the tool reads and writes files below
    [ "$1" = i386 ] && sizes='' || sizes=abi-sizes # recorded for 64-bit machines
    run_tests "$dir" --timeout-multiplier 20 core-version core-view labels labels-class_stats labels-class_stats_words map \
      plan plan-planner provider golden ${sizes:+"$sizes"} ${files:+"$files"}
  fi
  unset CK_FORK
  say "$1: the tool against this machine's"
  log=$machines_dir/$1/same_bytes.log
  FREEMASK_TOOL=build/tool/freemask FREEMASK_OTHER_TOOL="$(foreign_tool "$1")" \
    "$(find_python)" tests/machines/same_bytes.py >"$log" 2>&1 || { grep -A3 '^not ok' "$log" >&2 || cat "$log" >&2; exit 1; }
  printf '%s passed, 0 failed\n' "$(grep -c '^ok' "$log")"
}

machines_left_out() {
  say 'not tried, because Debian has nothing for it:'
  cat <<'TEXT'
   Python, NumPy and Pillow of other machines: tests that load the library into Python run on this machine alone
   AVX-512 under an emulator: ./dev test runs it where the CPU has it
   libtorch for other machines; libtiff and libwebp for musl
TEXT
}

# machines [--sample] [NAME ...]
machines() {
  extent=whole
  if [ "${1:-}" = --sample ]; then extent=sample; shift; fi
  # shellcheck disable=SC2086 # a list of words
  [ $# -gt 0 ] || set -- $all_machines
  want_test
  for machine; do want_machine "$machine"; done
  install_missing
  configure_whole
  build build tool/freemask
  for machine; do
    say "machine: $machine"
    configure_machine "$machine"
    if [ "$extent" = whole ]; then
      build "$(machine_build "$machine")"
    else
      build "$(machine_build "$machine")" tool/freemask tests/unit-tests tests/io/io-tests tests/abi/test-sizes
    fi
    test_machine "$machine" "$extent"
  done
  machines_left_out
}
