#!/bin/sh
# release/release.sh - `./dev dist`, `./dev reproduce` and `./dev deb`: what a release consists of, made and tried.
# dev reads this file; what it calls (say, die, want, configure, build, run_tests) is dev's.
# shellcheck shell=sh

release_dir=build-release

# make_tarball: what is committed, as Meson packs it. It packs what it unpacked itself, with this user's name and umask:
# that is evened out, so that the same commit gives the same bytes everywhere.
make_tarball() {
  have git || want git
  have xz || want xz-utils
  install_missing
  git rev-parse --git-dir >/dev/null 2>&1 || die 'a tarball is made of a clone with git, not of a tarball'
  [ -z "$(git status --porcelain)" ] || say 'what is not committed will not be in it'
  mkdir -p "$release_dir"
  configure "$release_dir/setup" -Dtests=disabled -Dtools=disabled -Dtorch=disabled -Dcuda=disabled -Dexamples=disabled
  meson dist -C "$release_dir/setup" --no-tests --allow-dirty --formats xztar >"$release_dir/dist.log" 2>&1 ||
    { tail -n 5 "$release_dir/dist.log" >&2; die "no tarball (log: $release_dir/dist.log)"; }
  name=libfreemask-$(version)
  tarball=$PWD/$release_dir/$name.tar.xz
  rm -rf "$release_dir/packed"
  mkdir "$release_dir/packed"
  tar -xJf "$release_dir/setup/meson-dist/$name.tar.xz" -C "$release_dir/packed"
  tar --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w \
    --mtime="@$(git log -1 --format=%ct)" -C "$release_dir/packed" -cf - "$name" | xz -T1 >"$tarball"
  rm -rf "$release_dir/packed"
}

# unpack FOLDER: the tarball's content, directly in it.
unpack() {
  rm -rf "$1"
  mkdir -p "$1"
  tar -xJf "$tarball" -C "$1" --strip-components=1
}

# The tarball builds and passes its tests where there is no git. A sample leaves out what ./dev test runs on the same
# files and what reads no file of its own.
release_dist() {
  want_test
  install_missing
  make_tarball
  source=$release_dir/source
  unpack "$source"
  say "the tarball: $(tar -tJf "$tarball" | grep -vc '/$') files"
  (
    export GIT_DIR=/dev/null # this folder lies in a clone
    cd "$source" || exit
    configure build -Dbuildtype=release -Dwerror=true -Dtests=enabled -Dtools=enabled -Dpng=enabled -Djpeg=enabled \
      -Ddeflate=enabled -Dtiff=enabled -Dwebp=enabled -Dtorch=disabled "$(python_option)"
    build build
    if [ "${1:-}" = --sample ]; then
      run_tests build --suite unit --suite fuzz
      run_tests build headers includes abi-symbols abi-layout abi-releases doc-version doc-links doc-manual examples \
        cli-results cli-commands
    else
      run_tests build --no-suite torch
    fi
  )
  say "tried: ${tarball#"$PWD"/}"
}

# install_from FOLDER KIND UMASK VARIABLE=VALUE ...: builds the sources there in one of the ways in which users' machines
# differ, and installs into FOLDER/installed.
install_from() {
  (
    cd "$1" || exit
    umask "$3"
    kind=$2
    shift 3
    env CCACHE_DISABLE=1 "$@" meson setup build -Dbuildtype="$kind" -Dc_args="'-ffile-prefix-map=$PWD=.'" \
      -Dtests=disabled -Dtools=enabled -Dtorch=disabled -Dcuda=disabled -Dexamples=disabled --prefix=/usr &&
      env CCACHE_DISABLE=1 "$@" ninja -C build &&
      env DESTDIR="$PWD/installed" "$@" meson install -C build --no-rebuild
  ) >"$1.log" 2>&1 || { tail -n 20 "$1.log" >&2; die "$1 cannot be built"; }
}

# Two builds in different folders, locales, time zones and umasks: the same bytes. Debug information names the folder
# unless the compiler is told otherwise, as Debian's packages tell it. A sample leaves out the builds with debug
# information: ./dev deb makes two such.
release_reproduce() {
  want_build
  install_missing
  make_tarball
  cp "$tarball" "$release_dir/first.tar.xz"
  (umask 027; make_tarball)
  cmp "$tarball" "$release_dir/first.tar.xz" || die 'the tarball differs from one made a moment earlier'
  [ "${1:-}" = --sample ] && kinds=release || kinds='release debugoptimized'
  for kind in $kinds; do
    say "two builds ($kind)"
    unpack "$release_dir/one"
    unpack "$release_dir/a-longer-name/two"
    install_from "$release_dir/one" "$kind" 022 TZ=UTC LC_ALL=C
    install_from "$release_dir/a-longer-name/two" "$kind" 077 TZ=Asia/Kathmandu LC_ALL=C.UTF-8 LANG=tr_TR.UTF-8
    diff -r "$release_dir/one/installed" "$release_dir/a-longer-name/two/installed" || die "two builds differ ($kind)"
  done
  say 'both builds and both tarballs are the same bytes'
}

want_deb() {
  have dpkg-buildpackage || want dpkg-dev
  have dh || want debhelper
  have lintian || want lintian
  have fakeroot || want fakeroot
  have xz || want xz-utils
}

# build_deb FOLDER WHAT UMASK VARIABLE=VALUE ...: -F: source and binary packages, -b: binary packages alone, in FOLDER.
build_deb() {
  unpack "$1/libfreemask"
  cp "$tarball" "$1/libfreemask_$(version).orig.tar.xz"
  (
    cd "$1/libfreemask" || exit
    umask "$3"
    what=$2
    shift 3
    env "$@" dpkg-buildpackage -us -uc "$what"
  ) >"$1/log" 2>&1 || { tail -n 30 "$1/log" >&2; die "no packages (log: $1/log)"; }
}

# Packages for Debian: built twice, the same bytes, nothing for lintian to say, and what is inside works. A sample does
# not run the tests while it builds: ./dev dist has.
release_deb() {
  want_test
  want_deb
  install_missing
  make_tarball
  rm -rf "$release_dir/deb" "$release_dir/deb-elsewhere"
  say 'packages'
  [ "${1:-}" = --sample ] && checks=nocheck || checks=''
  build_deb "$release_dir/deb" -F 022 TZ=UTC LC_ALL=C DEB_BUILD_OPTIONS="$checks"
  say 'lintian'
  lintian --fail-on error,warning "$release_dir"/deb/*.changes
  say 'packages once more, elsewhere'
  build_deb "$release_dir/deb-elsewhere" -b 027 TZ=Asia/Kathmandu LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS='nocheck parallel=1'
  for package in "$release_dir"/deb/*.deb; do
    cmp "$package" "$release_dir/deb-elsewhere/${package##*/}" || die "${package##*/} differs"
  done
  try_deb
  say "the packages are in $release_dir/deb"
}

# What a user of the packages does first, with them unpacked rather than installed.
try_deb() {
  root=$PWD/$release_dir/deb/root
  for package in "$release_dir"/deb/*.deb; do dpkg -x "$package" "$root"; done
  libraries=$(dirname "$(find "$root/usr/lib" -name libfreemask.so)")
  say 'the tool of the package'
  LD_LIBRARY_PATH=$libraries "$root/usr/bin/freemask" --version
  say 'a program against the package'
  PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$libraries/pkgconfig \
    sh -c 'cc -o "$1" examples/01_filter_one_image.c $(pkg-config --cflags --libs libfreemask)' - "$release_dir/deb/program"
  LD_LIBRARY_PATH=$libraries "$release_dir/deb/program"
  for script in submit.sh step.sh; do
    [ -x "$root/usr/share/doc/freemask/examples/slurm/$script" ] || die "the package has no $script to run"
  done
}
