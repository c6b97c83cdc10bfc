"""What is trained on: Debian packages, fetched by name and version, checked, unpacked."""
import hashlib
import pathlib
import subprocess

# package -> (version, sha256 of the .deb, licence of what is used, use)
PACKAGES = {
    "tuxpaint-stamps-default": ("2022.06.04-1", "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
        "GPL-2.0", "photographs cut out, with alpha"),
    "scratch": ("1.4.0.6~dfsg1-6.1", "36c582eb93110f64f06c4e685c41e933ccba2fa68db12f79b10bfe840b21fc10",
        "CC-BY-SA-3.0", "people and vehicles cut out; photographs as backgrounds"),
    "mate-backgrounds": ("1.26.0-1", "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04",
        "GPL-2.0-or-later", "backgrounds (nature)"),
    "plasma-workspace-wallpapers": ("4:5.27.5-2", "32cd18b71c8c938a18b3b351f217c02ac590e323caa3cf322fbb875ce8892f8b",
        "GPL-2.0-or-later", "backgrounds"),
}

# What rarity.py and alignment.py listen to beside them.
SOUNDS = {
    "gcompris-qt-data": ("3.1-2", "e9cf06ab2105529068df73085784e835d2ff03f870d2a8091f09125d40abac9f",
        "GPL-3.0", "sounds of animals and instruments"),
    "openttd-opensfx": ("1.0.3-2", "2898b4677a3caccc4abc08fb4cf83319047b5a04729291deb5c77a8cd713c006",
        "CC-BY-3.0, CC-BY-SA-3.0", "sounds of vehicles, animals, tools"),
    "widelands-data": ("2:1.1-3", "0e23d645b15bcfb9e3bcae0de9bc1bdfa75a6ecb36b2e449759d6eb0b4bbd8fb",
        "GPL-2.0-or-later", "sounds of animals and tools"),
    "fluid-soundfont-gm": ("3.1-5.3", "6f531493ac4e4d9772fd96b2488ea1790af81c196135fbdd25997da0781fc60e",
        "MIT", "sounds of instruments"),
}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(folder, packages=PACKAGES):
    """{package: folder it lies unpacked in}."""
    folder = pathlib.Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    out = {}
    for name, (version, digest, _, _) in packages.items():
        out[name] = folder / name
        if out[name].exists():
            continue
        subprocess.run(["apt-get", "download", "--quiet", f"{name}={version}"], cwd=folder, check=True)
        [deb] = folder.glob(f"{name}_*.deb")
        if sha256(deb) != digest:
            raise SystemExit(f"{deb}: sha256 is {sha256(deb)}, expected {digest}")
        subprocess.run(["dpkg-deb", "--extract", deb, out[name]], check=True)
        deb.unlink()
    return out
