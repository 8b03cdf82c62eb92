#!/bin/sh
# windows_libraries.sh FOLDER: what Debian has no package of for Windows, built from Debian's
# sources as static libraries in FOLDER/prefix: those that formats and the tool
# need, and Check for the tests. What is there already stays.
set -eu
target=x86_64-w64-mingw32
mkdir -p "$1/lists/partial" "$1/source" "$1/prefix"
top=$(cd "$1" && pwd)
prefix=$top/prefix

# The sources of the release that this machine runs. Its own lists stay as they are.
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mirror=$(sed -n -e 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" { print $(/\[/ ? 3 : 2); exit }' /etc/apt/sources.list)
echo "deb-src $mirror $codename main" >"$top/sources.list"
apt() {
  apt-get -o Dir::Etc::sourcelist="$top/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::Lists="$top/lists" -o APT::Sandbox::User=root -o Acquire::Retries=3 "$@"
}

# unpack PACKAGE: makes $source, its folder, with Debian's patches.
unpack() {
  source=$top/source/$1
  [ ! -d "$source" ] || return 0
  [ -n "$(find "$top/lists" -name '*Sources*' -print -quit)" ] || apt update
  rm -rf "$source.new"
  mkdir "$source.new"
  (cd "$source.new" && apt source "$1")
  mv "$source.new" "$source"
}

# with_cmake OPTION ...
with_cmake() {
  cmake -G Ninja -S "$(echo "$source"/*/)" -B "$source/build" \
    -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR=AMD64 \
    -DCMAKE_C_COMPILER=$target-gcc -DCMAKE_C_FLAGS=-D__USE_MINGW_ANSI_STDIO=1 \
    -DCMAKE_RC_COMPILER=$target-windres \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR="$prefix/lib" \
    -DCMAKE_FIND_ROOT_PATH="$prefix;/usr/$target" -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER \
    -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY "$@"
  cmake --build "$source/build"
  cmake --install "$source/build"
}

if [ ! -f "$prefix/lib/pkgconfig/jansson.pc" ]; then
  unpack jansson
  with_cmake -DJANSSON_BUILD_DOCS=OFF -DJANSSON_EXAMPLES=OFF -DJANSSON_WITHOUT_TESTS=ON
  # Formats are those of C, here and below.
  sed -i 's/format(printf,/format(gnu_printf,/; s/"I64d"/"lld"/' "$prefix/include/jansson.h" \
    "$prefix/include/jansson_config.h"
fi
if [ ! -f "$prefix/lib/pkgconfig/libdeflate.pc" ]; then
  unpack libdeflate
  make -C "$source"/*/ -j "$(nproc)" CC=$target-gcc AR=$target-ar PREFIX="$prefix" \
    LIBDIR="$prefix/lib" DISABLE_SHARED=1 install
  mv "$prefix/lib/libdeflatestatic.lib" "$prefix/lib/libdeflate.a"
fi
if [ ! -f "$prefix/lib/pkgconfig/libpng.pc" ]; then
  unpack libpng1.6
  with_cmake -DPNG_SHARED=OFF -DPNG_TESTS=OFF -DPNG_EXECUTABLES=OFF
fi
if [ ! -f "$prefix/lib/pkgconfig/libjpeg.pc" ]; then
  unpack libjpeg-turbo
  with_cmake -DENABLE_SHARED=OFF -DWITH_TURBOJPEG=OFF -DWITH_SIMD=OFF
fi
if [ ! -f "$prefix/lib/pkgconfig/libwebp.pc" ]; then
  unpack libwebp
  with_cmake -DWEBP_BUILD_ANIM_UTILS=OFF -DWEBP_BUILD_CWEBP=OFF -DWEBP_BUILD_DWEBP=OFF \
    -DWEBP_BUILD_GIF2WEBP=OFF -DWEBP_BUILD_IMG2WEBP=OFF -DWEBP_BUILD_VWEBP=OFF \
    -DWEBP_BUILD_WEBPINFO=OFF -DWEBP_BUILD_WEBPMUX=OFF -DWEBP_BUILD_EXTRAS=OFF
fi
if [ ! -f "$prefix/lib/pkgconfig/libtiff-4.pc" ]; then
  unpack tiff
  sed -i 's/LANGUAGES C CXX/LANGUAGES C/' "$source"/*/CMakeLists.txt # its C++ is not built
  # Of what TIFF may hold, what the tests have: none, LZW, Deflate, PackBits, JPEG.
  with_cmake -DBUILD_SHARED_LIBS=OFF -Dtiff-tools=OFF -Dtiff-tests=OFF -Dtiff-contrib=OFF -Dtiff-docs=OFF \
    -Dlzma=OFF -Dzstd=OFF -Dwebp=OFF -Djbig=OFF -Dlerc=OFF -Dlibdeflate=OFF -Dcxx=OFF
fi
if [ ! -f "$prefix/include/xxhash.h" ]; then
  unpack xxhash
  cp "$source"/*/xxhash.h "$prefix/include/"
fi
if [ ! -f "$prefix/lib/pkgconfig/libutf8proc.pc" ]; then
  unpack utf8proc
  with_cmake -DBUILD_SHARED_LIBS=OFF
  sed -i 's/-DUTF8PROC_EXPORTS/-DUTF8PROC_STATIC/' "$prefix/lib/pkgconfig/libutf8proc.pc"
fi
if [ ! -f "$prefix/lib/pkgconfig/check.pc" ]; then
  unpack check
  with_cmake -DBUILD_TESTING=OFF -DCHECK_ENABLE_TESTS=OFF -DINSTALL_CHECKMK=OFF
  sed -i 's/(printf,/(gnu_printf,/' "$prefix/include/check.h"
  # Debian's file names a library that this build does not make.
  sed -i 's/-lcheck_pic/-lcheck/' "$prefix/lib/pkgconfig/check.pc"
  rm "$prefix/lib/libcheck.dll.a"
fi
printf "[constants]\nprefix = '%s'\n" "$prefix" >"$top/prefix.ini"
