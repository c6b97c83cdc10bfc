#!/usr/bin/env python3
"""Proves that Tyto runs the paper's pair as PyTorch does, with seeded random weights.

    pip install -r requirements.txt -r requirements-paper.txt
    python paper_proof.py --tyto ../../target/release/tyto

1. Builds the pair in PyTorch, from torchvision's ResNet-18, fills it with seeded weights and saves a
   checkpoint in the authors' layout, with the extra heads that such a checkpoint has.
2. Computes the map of a seeded picture and sound: torchvision's transforms, scipy's spectrogram.
3. Converts the checkpoint with paper.py and asks `tyto locate --map` for the map of the same two files.

`--small` writes the pack and the map of the pair at a sixteenth of its width into tests/, where
`cargo test` does step 3 again.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import wave

import numpy as np
import paper
import scipy.signal
import torch
from PIL import Image
from torchvision.models import resnet
from torchvision.transforms import v2

SEED = 20_250_719
ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 1e-3


# --- the seeded picture and sound: integers alone, so that the Rust test can make the same ------

def noise(index):
    """One of 256 values from each index, 0..2^32."""
    mixed = index.astype(np.uint32) * np.uint32(2_654_435_761)
    mixed ^= mixed >> np.uint32(15)
    return (mixed * np.uint32(2_246_822_519)) >> np.uint32(24)


def picture(width=320, height=240):
    """A noisy slope with a plain block at the left, stripes at the right, rings below."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    channels = []
    for c in range(3):
        index = (y * width + x) * 3 + c
        value = (x * 120 // width + y * 80 // height + noise(index) // 6) & 255
        value = np.where((x // 40 == 1) & (y // 60 == 1), 40 + 80 * c, value)
        value = np.where((x // 80 == 3) & (y < 120), np.where((x // 5 + c) % 2 == 0, 225, 20), value)
        rings = (x - 160) ** 2 + (y - 190) ** 2
        value = np.where(rings < 2000, (rings // 4 * (c + 1)) & 255, value)
        channels.append(value)
    return np.stack(channels, axis=2).astype(np.uint8)


def sound(count=paper.SAMPLES):
    """Two triangle waves, one of them in beats, over noise; 16-bit samples."""
    n = np.arange(count, dtype=np.int64)
    low = np.abs(n * 7 % 512 - 256) - 128
    high = np.abs(n * 61 % 512 - 256) - 128
    beat = (n // 2000) % 3
    return (low * 60 + high * 40 * beat + (noise(n).astype(np.int64) - 128) * 12).astype(np.int16)


# --- the pair in PyTorch ------------------------------------------------------------------------

def net(width, channels):
    """torchvision's ResNet-18 at another width, its last layer at stride 1, up to that layer's map."""
    net = resnet.resnet18(weights=None)
    net.conv1 = torch.nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
    net.bn1, net.inplanes = torch.nn.BatchNorm2d(width), width
    for layer, stride in enumerate(paper.STRIDES):
        setattr(net, f"layer{layer + 1}", net._make_layer(resnet.BasicBlock, width << layer, 2, stride))
    net.avgpool, net.fc = torch.nn.Identity(), torch.nn.Identity()
    return net


def features(net, x):
    x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
    return net.layer4(net.layer3(net.layer2(net.layer1(x))))


def seeded(width, picture, spectrogram):
    """Both nets with random weights. Their batch normalisations have seen the picture and the sound
    once, in training mode: with statistics from nowhere every place of the map would look the same."""
    torch.manual_seed(SEED)
    nets = [net(width, 3), net(width, 1)]
    for module, x in zip(nets, (picture, spectrogram)):
        norms = [part for part in module.modules() if isinstance(part, torch.nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = None
            torch.nn.init.normal_(norm.weight, 1, 0.2)
            torch.nn.init.normal_(norm.bias, -0.3, 0.3)
        with torch.no_grad():
            module.train()
            features(module, torch.cat([x, x.flip(-1) * 0.9]))
            module.eval()
    return nets


def checkpoint(nets, width, path):
    """Saves the nets as the authors' training did: every net carries the first layers of all inputs,
    and the heads of training are in the file, too."""
    state = {}
    for name, module, first in (("imgnet", nets[0], "conv1"), ("audnet", nets[1], "conv1_a")):
        own = {key: value for key, value in module.state_dict().items()}
        stem = own.pop("conv1.weight")
        stems = {"conv1_a": 1, "conv1": 3, "conv1_flow": 6}
        own |= {f"{key}.weight": torch.randn(width, channels, 7, 7) for key, channels in stems.items()}
        own[f"{first}.weight"] = stem
        own |= {"fc.weight": torch.randn(10, width * 8), "fc.bias": torch.randn(10)}
        state |= {f"{name}.{key}": value for key, value in own.items()}
    for head in ("img_proj", "aud_proj"):
        state |= {f"{head}.0.weight": torch.randn(width * 8, width * 8), f"{head}.0.bias": torch.randn(width * 8)}
    optimiser = {"state": {}, "param_groups": [{"lr": 1e-4, "params": [0]}]}
    torch.save({"epoch": 20, "model_state_dict": state, "optimizer": optimiser,
                "args": argparse.Namespace(tau=0.03)}, path)


def seen(image):
    transform = v2.Compose([
        v2.ToImage(), v2.ToDtype(torch.float32, scale=True),
        v2.Resize((paper.PICTURE,) * 2, v2.InterpolationMode.BICUBIC, antialias=True),
        v2.Normalize(paper.MEAN, paper.STD),
    ])
    return transform(image)[None]


def heard(samples):
    samples = np.clip(samples / 32768, -1, 1)
    _, _, power = scipy.signal.spectrogram(samples, 16_000, nperseg=paper.SEGMENT, noverlap=paper.OVERLAP)
    return torch.tensor(np.log(power + 1e-7) / 12, dtype=torch.float32)[None, None]


@torch.no_grad()
def reference(nets, picture, spectrogram):
    """The map of PyTorch: cosine of every place with the sound."""
    v = torch.nn.functional.normalize(features(nets[0], picture), dim=1)
    a = torch.nn.functional.adaptive_max_pool2d(features(nets[1], spectrogram), 1)
    return torch.einsum("nchw,nc->nhw", v, torch.nn.functional.normalize(a.flatten(1), dim=1))[0].numpy()


# --- the proof ------------------------------------------------------------------------------------

def files(folder):
    """The picture and the sound as files."""
    Image.fromarray(picture()).save(folder / "picture.png")
    with wave.open(str(folder / "sound.wav"), "wb") as out:
        out.setparams((1, 2, 16_000, 0, "NONE", None))
        out.writeframes(sound().astype("<i2").tobytes())
    return folder / "picture.png", folder / "sound.wav"


def pair(width, folder, pack, name):
    """Makes checkpoint and pack; returns PyTorch's map."""
    inputs = seen(Image.fromarray(picture())), heard(sound())
    nets = seeded(width, *inputs)
    path = folder / "random.pth.tar"
    checkpoint(nets, width, path)
    options = paper.parser().parse_args(["--name", name, "--origin", "models/recipe/paper_proof.py",
                                         "--licence", "MIT OR Apache-2.0", "--on-screen", "0.5"])
    paper.convert(path, pack, options)
    return reference(nets, *inputs)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--tyto", default=ROOT / "target/release/tyto", type=pathlib.Path)
    options.add_argument("--small", action="store_true", help="write tests/packs/paper and its map anew")
    given = options.parse_args()
    if given.small:
        with tempfile.TemporaryDirectory() as folder:
            theirs = pair(4, pathlib.Path(folder), ROOT / "tests/packs/paper", "paper-random")
        out = ROOT / "tests/vectors/paper_map.json"
        out.write_text(json.dumps([[round(float(v), 6) for v in row] for row in theirs]) + "\n")
        print(f"{out}: cosines {theirs.min():.3f} to {theirs.max():.3f}")
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        theirs = pair(64, folder, folder / "pack", "paper-random")
        image, audio = files(folder)
        command = [given.tyto, "locate", image, audio, "--model", folder / "pack", "--map"]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        ours = np.array(answer["sources"][0]["map"])
        subprocess.run([given.tyto, "check", "--model", folder / "pack"], check=True)
    error = np.abs(ours - theirs).max()
    print(f"PyTorch {torch.__version__}: cosines {theirs.min():.4f} to {theirs.max():.4f}, {ours.shape[0]}x{ours.shape[1]}")
    print(f"largest difference of Tyto's map: {error:.2e} (at most {TOLERANCE:.0e})")
    if not (error <= TOLERANCE and np.ptp(theirs) > 0.05):
        sys.exit("the maps differ, or there is nothing in them that could")


if __name__ == "__main__":
    main()
