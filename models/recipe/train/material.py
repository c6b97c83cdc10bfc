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


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(folder):
    """{package: folder it lies unpacked in}."""
    folder = pathlib.Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    out = {}
    for name, (version, digest, _, _) in PACKAGES.items():
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
