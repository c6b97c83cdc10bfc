# To be sourced: takes one library out of a Python wheel, checked.
# shellcheck shell=bash

# from_wheel PACKAGE==VERSION PLATFORM FILE SHA256 LIBRARY: puts FILE of the wheel at LIBRARY,
# unless it is there. Needs pip, or python3-venv to make one.
from_wheel() {
  local package=$1 platform=$2 file=$3 sha256=$4 library=$5 python=${PYTHON:-python3} work
  right() { [ -f "$1" ] && echo "$sha256  $1" | sha256sum --check --status; }
  if right "$library"; then return; fi
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  if ! "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv "$work/venv" || { echo "pip is missing: install python3-venv" >&2; exit 1; }
    python=$work/venv/bin/python
  fi
  # A library that Python does not load is the same whatever Python the wheel is for.
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 3.11 --platform "$platform" --dest "$work" "$package"
  "$python" -m zipfile --extract "$work"/*.whl "$work/wheel"
  if ! right "$work/wheel/$file"; then
    echo "$package: $file is not the one that is known" >&2
    exit 1
  fi
  mkdir -p "$(dirname "$library")"
  install -m644 "$work/wheel/$file" "$library"
  echo "$library"
}
