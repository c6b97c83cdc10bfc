"""usage: copyright.py TRIPLE COPYRIGHT NOTICES

Writes the package's copyright file in Debian's machine-readable format, and the notices of all
crates that are linked into the program for TRIPLE: their licence files, each text once.
"""

import glob
import hashlib
import json
import os
import subprocess
import sys

TEXTS = ("LICENSE*", "LICENCE*", "COPYING*", "COPYRIGHT*", "NOTICE*", "UNLICENSE*", "license*")


def linked(triple):
    """The crates that end up in the program: no build scripts, no tools of the tests."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform", triple]
    whole = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in whole["packages"]}
    nodes = {node["id"]: node for node in whole["resolve"]["nodes"]}
    root = whole["resolve"]["root"]
    seen, waiting = set(), [root]
    while waiting:
        for dep in nodes[waiting.pop()]["deps"]:
            normal = any(kind["kind"] is None for kind in dep["dep_kinds"])
            macro = any("proc-macro" in t["kind"] for t in packages[dep["pkg"]]["targets"])
            if normal and not macro and dep["pkg"] not in seen:
                seen.add(dep["pkg"])
                waiting.append(dep["pkg"])
    return sorted((packages[key] for key in seen), key=lambda p: (p["name"], p["version"]))


def texts(package):
    folder = os.path.dirname(package["manifest_path"])
    named = [package["license_file"]] if package.get("license_file") else []
    found = {os.path.join(folder, name) for name in named}
    for pattern in TEXTS:
        found.update(glob.glob(os.path.join(folder, pattern)))
    return [open(path, encoding="utf-8", errors="replace").read().strip()
            for path in sorted(found) if os.path.isfile(path)]


def indented(text):
    return "\n".join(f" {line}" if line.strip() else " ." for line in text.strip().splitlines())


def main(triple, copyright_file, notices_file):
    crates = linked(triple)
    assert len(crates) > 50, f"only {len(crates)} crates: cargo metadata has changed"
    users, words = {}, {}
    for crate in crates:
        for text in texts(crate):
            key = hashlib.sha256(" ".join(text.split()).encode()).digest()
            words[key] = text
            users.setdefault(key, []).append(f"{crate['name']} {crate['version']}")
    with open(notices_file, "w", encoding="utf-8") as out:
        out.write("Licence texts and notices of the crates that are linked into tyto, each once.\n")
        for key, names in sorted(users.items(), key=lambda item: item[1]):
            rule = "=" * 79
            out.write(f"\n{rule}\n{', '.join(sorted(set(names)))}\n{rule}\n\n{words[key]}\n")

    mit = open("LICENSE-MIT", encoding="utf-8").read().split("\n\n", 2)
    notice = indented(open("models/owlet/NOTICE", encoding="utf-8").read())
    listed = "\n".join(
        f" {c['name']} {c['version']}: {(c['license'] or 'see notices').replace('/', ' OR ')}"
        for c in crates)
    with open(copyright_file, "w", encoding="utf-8") as out:
        out.write(f"""Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tyto
Comment:
 The program contains these crates, linked statically; their licence texts and notices are in
 /usr/share/doc/tyto/notices.gz.
 .
{listed}

Files: *
Copyright: 2026 The Tyto authors
License: MIT or Apache-2.0

Files: usr/share/tyto/models/owlet/*
Copyright: The TensorFlow Authors
 2020 ML Illustrated
 2026 The Tyto authors
License: Apache-2.0
Comment:
{notice}
 .
 The sources, and what was made of them, stand in
 /usr/share/tyto/models/owlet/MODEL_CARD.md.

License: MIT
{indented(mit[2])}

License: Apache-2.0
 On Debian systems, the full text of the Apache License, version 2.0, is in
 /usr/share/common-licenses/Apache-2.0.
""")


if __name__ == "__main__":
    main(*sys.argv[1:])
