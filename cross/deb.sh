#!/usr/bin/env bash
# usage: deb.sh [arm64|amd64|armhf] [BOARD]
# Makes the Debian package: target/deb/tyto_VERSION_ARCH.deb, or with BOARD, whose name then
# stands in the configuration, target/deb/BOARD/tyto_VERSION_ARCH.deb. `make deb` calls this.
#   PROGRAM  a program that is built already, for ARCH
#   TARGET   another target of `make cross` for arm64: aarch64-jetpack5, chosen for the boards
#            that run JetPack 5
#   PROFILE  how to build it: release, or dist, which is smaller and takes several times as long
#   VERSION  another version than that of Cargo.toml
#   TFLITE   the TensorFlow Lite library to put in; empty: none. By default that of
#            cross/tflite.sh, where the device's glibc suffices for it (2.34)
#
# dpkg-deb builds it, not cargo-deb or debhelper: what is special about this package is what
# its maintainer scripts do in an upgrade, which either tool would wrap in code of its own; the
# rest is `make install`, and what is left of debhelper's work stands below.
set -euo pipefail
cd "$(dirname "$0")/.."
arch=${1:-arm64} board=${2:-generic}
die() { echo "$0: $*" >&2; exit 1; }

[ -e "board/$board.toml" ] || die "no board/$board.toml; there are: $(cd board && ls -- *.toml | sed 's/\.toml$//' | xargs)"
case $board in jetson-nano | jetson-xavier) jetpack=aarch64-jetpack5 ;; *) jetpack=aarch64 ;; esac
case $arch in
  arm64) target=${TARGET:-$jetpack} triple=aarch64-unknown-linux-gnu gnu=aarch64-linux-gnu machine=AArch64 ;;
  armhf) target=${TARGET:-armv7} triple=armv7-unknown-linux-gnueabihf gnu=arm-linux-gnueabihf machine=ARM ;;
  amd64) target=host triple=x86_64-unknown-linux-gnu gnu=x86_64-linux-gnu machine=X86-64 ;;
  *) die "unknown ARCH $arch: arm64, amd64 or armhf" ;;
esac

. cross/need.sh
need dpkg-dev binutils lowdown python3 make

runs_when_linked_with() { # OPTION, here
  local work result=0
  work=$(mktemp -d)
  (cd "$work" && rustc -o probe -C "link-arg=$1" - <<<'fn main() {}' 2>/dev/null && ./probe) || result=1
  rm -rf "$work"
  return $result
}

program=${PROGRAM:-} profile=${PROFILE:-release}
if [ -z "$program" ]; then
  if [ "$target" = host ]; then
    smaller=()
    if [ "$profile" = dist ]; then
      # Functions that came out equal become one, and a megabyte of addresses to relocate becomes
      # a bitmap, which glibc reads from 2.36 on.
      for option in --icf=all -z,pack-relative-relocs; do
        ! runs_when_linked_with "-Wl,$option" || smaller+=(-C "link-arg=-Wl,$option")
      done
    fi
    ${CARGO:-cargo} rustc --profile "$profile" --locked --bin tyto -- "${smaller[@]}"
    program=${CARGO_TARGET_DIR:-target}/$profile/tyto
  else
    PROFILE=$profile cross/build.sh "$target"
    program=target/cross/$target/$triple/$profile/tyto
  fi
fi
[ -x "$program" ] || die "$program: not there, or not a program"
readelf -h "$program" | grep -q "Machine:.*$machine" || die "$program: is not a program for $arch"

# The library that tflite.sh knows asks for glibc 2.34, and there is none for armhf.
if [ -z "${TFLITE+given}" ]; then
  TFLITE=
  case $target in
    aarch64 | host)
      cross/tflite.sh "${triple%%-*}"
      TFLITE=target/tflite/${triple%%-*}/libtensorflowlite_c.so ;;
  esac
fi

number=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
version=${VERSION:-$number-1}
out=target/deb work=target/deb/work/$arch
[ "$board" = generic ] || out=$out/$board
rm -rf "$work" && mkdir -p "$work/root/DEBIAN" "$out"
root=$PWD/$work/root
# The same commit gives the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
umask 022

make -s install DESTDIR="$root" PROGRAM="$program" TFLITE="$TFLITE" PREFIX=/usr
"$(command -v "$gnu-strip" || echo strip)" --strip-unneeded --remove-section=.comment "$root/usr/bin/tyto"

# Configuration: the example, for this board.
mkdir -p "$root/etc/tyto"
sed "s/^name = \"generic\"/name = \"$board\"/" docs/tyto.example.toml >"$root/etc/tyto/tyto.toml"
grep -q "^name = \"$board\"" "$root/etc/tyto/tyto.toml" || die "docs/tyto.example.toml names no board"
echo /etc/tyto/tyto.toml >"$root/DEBIAN/conffiles"

# Manual pages of the formats, from the documents; that of the program is made from clap.
page() { # NAME SECTION DOCUMENT "what it is"
  local file=$root/usr/share/man/man$2/$1.$2
  mkdir -p "${file%/*}"
  {
    # The tables are tbl's.
    echo "'\\\" t"
    # A page has two levels of headings, and lowdown wants an empty line round fences and tables.
    { printf '# NAME\n\n%s - %s\n\n' "$1" "$4"; sed '1s/^# .*/# DESCRIPTION/; s/^##/#/' "$3"; } |
      awk '/^```/ { open = !open; if (open) print ""; print; if (!open) print ""; next }
           !open && /^\|/ && !table { print "" } { table = /^\|/; print }' |
      sed -E 's/\[([^]]*)\]\([^)h#][^)]*\.(md|toml)[^)]*\)/\1/g' |
      lowdown -s -Tman -M title="$1" -M section="$2" -M date="$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)" \
        -M source="Tyto $number" -M volume="Tyto" |
      sed -e 's/^\.EX$/.nf/; s/^\.EE$/.fi/; /^\.TH /a .ad l'
    printf '.SH SEE ALSO\n.BR tyto (1),\n.BR tyto.toml (5),\n.BR tyto-events (7)\n'
  } | gzip -9n >"$file.gz"
}
page tyto.toml 5 docs/configuration.md "configuration of Tyto"
page tyto-events 7 docs/events.md "what Tyto tells its subscribers"
gzip -9n "$root"/usr/share/man/man1/tyto.1

doc=$root/usr/share/doc/tyto
mkdir -p "$doc"
python3 cross/deb/copyright.py "$triple" "$doc/copyright" "$doc/notices"
[ -z "$TFLITE" ] || cat cross/deb/copyright.tflite >>"$doc/copyright"
gzip -9n "$doc/notices"
gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
gzip -9n >"$doc/changelog.Debian.gz" <<LOG
tyto ($version) unstable; urgency=medium

  * Built from Tyto $number; what is new stands in changelog.gz.

 -- The Tyto authors <tyto@example.org>  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
LOG
install -m 644 docs/configuration.md docs/events.md docs/devices.md docs/packs.md "$doc/"
mkdir -p "$doc/examples"
install -m 644 docs/snippets/*.* "$doc/examples/"
install -Dm644 cross/deb/lintian-overrides "$root/usr/share/lintian/overrides/tyto"

# What the program is linked to, asked of the symbols that it uses.
mkdir -p "$work/debian"
printf 'Source: tyto\n\nPackage: tyto\nArchitecture: any\n' >"$work/debian/control"
linked=(root/usr/bin/tyto)
[ -z "$TFLITE" ] || linked+=(root/usr/lib/tyto/libtensorflowlite_c.so)
shlibs=$(cd "$work" && DEB_HOST_ARCH=$arch dpkg-shlibdeps -O --warnings=1 \
  -l"/usr/lib/$gnu" "${linked[@]}" | sed 's/^shlibs:Depends=//')
[ -n "$shlibs" ] || die "dpkg-shlibdeps found nothing that $program is linked to"
if [ "$target" = aarch64-jetpack5 ]; then
  # It looks into Debian 12's C library, where since 2.34 the functions of threads and of dlopen
  # are in another file; the program asks for them where they were before.
  asked=$(cross/floor.sh "$root/usr/bin/tyto" 2.31 | cut -d ' ' -f 2)
  shlibs=$(sed -E "s/libc6 \(>= [0-9.]+\)/libc6 (>= $asked)/" <<<"$shlibs")
fi
if readelf -V "$root/usr/bin/tyto" | grep -q GLIBC_ABI_DT_RELR; then
  # It looks at functions, not at the form of the file.
  shlibs=$(sed -E "s/libc6 \(>= 2\.([0-9]|[12][0-9]|3[0-5])\)/libc6 (>= 2.36)/" <<<"$shlibs")
fi
sed -e "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SHLIBS@/$shlibs/" \
  -e "s/@SIZE@/$(du -sk --exclude=DEBIAN "$root" | cut -f 1)/" cross/deb/control >"$root/DEBIAN/control"
install -m 755 cross/deb/preinst cross/deb/prerm cross/deb/postrm "$root/DEBIAN/"
sed "s/^set -e\$/set -e\nVERSION=$version/" cross/deb/postinst >"$root/DEBIAN/postinst"
chmod 755 "$root/DEBIAN/postinst"
(cd "$root" && find . -path ./DEBIAN -prune -o -path ./etc -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -print0 | xargs -0 touch --no-dereference --date="@$SOURCE_DATE_EPOCH"

deb=$out/tyto_${version}_$arch.deb
dpkg-deb --build --root-owner-group -Zxz "$root" "$deb" >/dev/null
rm -rf "$work"
echo "package: $deb ($(du -k "$deb" | cut -f 1) kB), needs $shlibs"
if command -v lintian >/dev/null; then
  lintian --fail-on error,warning "$deb"
fi
