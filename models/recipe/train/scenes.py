"""Composed scenes with exact masks: cut-outs pasted on photographs.

A pasted thing must not be known by its pasted edge: edges are blurred, colours drawn towards the
place, and some of what is pasted is background itself, cut out in the shape of a thing.
"""
import hashlib
import io

import numpy as np
from PIL import Image, ImageFilter

SIZE = 512
LEAST_COLOURS = 900  # of 18-bit colour: below, a picture is drawn, not photographed


def held_out(path):
    """A fifth of the files, chosen by name: pictures of one thing (x_1, x_2) stay together."""
    stem = path.name.split("_")[0]
    return int(hashlib.sha256(stem.encode()).hexdigest(), 16) % 5 == 0


def cut_outs(packages):
    stamps = packages["tuxpaint-stamps-default"] / "usr/share/tuxpaint/stamps"
    passed_over = ("cartoon", "flags", "roadsigns", "monuments", "houses", "_mirror", "_flip")
    for path in sorted(stamps.rglob("*.png")):
        inner = str(path.relative_to(stamps))
        if not inner.startswith(("symbols/", "naturalforces/")) and not any(part in inner for part in passed_over):
            yield path
    costumes = packages["scratch"] / "usr/share/scratch/Media/Costumes"
    for kind in ("Animals", "People", "Things", "Transportation"):
        yield from sorted(p for p in (costumes / kind).iterdir() if p.suffix in (".png", ".gif"))


def cut_out(path):
    """The thing as RGBA, cropped to itself; None for a drawing, a whole picture or a speck."""
    image = Image.open(path).convert("RGBA")
    image.thumbnail((700, 700))
    box = image.getchannel("A").point(lambda alpha: 255 * (alpha > 40)).getbbox()
    if not box or min(box[2] - box[0], box[3] - box[1]) < 40:
        return None
    image = image.crop(box)
    pixels = np.asarray(image)
    solid = pixels[..., 3] > 200
    if not 0.1 <= solid.mean() <= 0.97:
        return None
    coarse = (pixels[..., :3][solid] >> 2).astype(np.int64) @ [4096, 64, 1]
    return image if len(np.unique(coarse)) >= LEAST_COLOURS else None


def backgrounds(packages):
    yield from sorted((packages["mate-backgrounds"] / "usr/share/backgrounds/mate/nature").glob("*.jpg"))
    yield from sorted((packages["scratch"] / "usr/share/scratch/Media/Backgrounds").glob("*/*.jpg"))
    wallpapers = packages["plasma-workspace-wallpapers"] / "usr/share/wallpapers"
    for folder in sorted(wallpapers.glob("*/contents/images")):
        sizes = [p for p in folder.iterdir() if "_dark" not in p.name and p.suffix in (".jpg", ".png")]
        if sizes:
            yield min(sizes, key=lambda p: (p.stat().st_size, p.name))


def background(path):
    image = Image.open(path).convert("RGB")
    image.thumbnail((1000, 1000))
    return image


def material(packages, validation):
    things = [cut_out(p) for p in cut_outs(packages) if held_out(p) == validation]
    return ([thing for thing in things if thing],
            [background(p) for p in backgrounds(packages) if held_out(p) == validation])


def part_of(picture, width, height, rng):
    """A random part of a background, stretched to the size."""
    scale = rng.uniform(0.5, 1) * min(picture.width / width, picture.height / height)
    w, h = max(1, int(width * scale)), max(1, int(height * scale))
    x, y = rng.randint(0, picture.width - w), rng.randint(0, picture.height - h)
    out = picture.crop((x, y, x + w, y + h)).resize((width, height), Image.BILINEAR)
    return out.transpose(Image.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else out


def paste(pixels, mask, thing, box, rng, real):
    """Puts a thing at box (x0, y0, x1, y1, partly outside is fine); one not real leaves no mask."""
    x0, y0, x1, y1 = box
    thing = thing.resize((x1 - x0, y1 - y0), Image.BILINEAR)
    if rng.random() < 0.5:
        thing = thing.transpose(Image.FLIP_LEFT_RIGHT)
    alpha = thing.getchannel("A")
    if rng.random() < 0.7:
        alpha = alpha.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2.5)))
    top, left = max(0, y0), max(0, x0)
    bottom, right = min(len(mask), y1), min(mask.shape[1], x1)
    if bottom - top < 4 or right - left < 4:
        return
    inner = np.s_[top - y0:bottom - y0, left - x0:right - x0]
    alpha = np.asarray(alpha, np.float32)[inner] / 255
    colour = np.asarray(thing.convert("RGB"), np.float32)[inner]
    place = pixels[top:bottom, left:right]
    mean = (alpha[..., None] * colour).sum((0, 1)) / max(alpha.sum(), 1)
    colour = colour + rng.choice([0, 0, 0.3, 0.6]) * (place.mean((0, 1)) - mean)
    if rng.random() < 0.5:
        colour = colour * rng.uniform(0.7, 1.2)
    pixels[top:bottom, left:right] = place * (1 - alpha[..., None]) + np.clip(colour, 0, 255) * alpha[..., None]
    covered = mask[top:bottom, left:right]
    mask[top:bottom, left:right] = np.maximum(covered * (1 - alpha), alpha) if real else covered * (1 - alpha)


def fill(pixels, mask, things, pictures, rng, count, smallest, largest):
    """One picture of `count` things and up to two that are none; sizes as parts of the picture."""
    height, width = mask.shape
    pixels[:] = np.asarray(part_of(rng.choice(pictures), width, height, rng), np.float32)
    kinds = [True] * count + [False] * rng.choice([0, 0, 1, 2])
    rng.shuffle(kinds)
    for real in kinds:
        thing = rng.choice(things)
        size = rng.uniform(smallest, largest)
        side, shape = np.sqrt(width * height) * size, np.sqrt(thing.width / thing.height)
        w, h = max(8, int(side * shape)), max(8, int(side / shape))
        if size < 0.9 and (w > width * 0.98 or h > height * 0.98):
            fit = min(width * 0.95 / w, height * 0.95 / h)
            w, h = max(8, int(w * fit)), max(8, int(h * fit))
        if not real:
            cover = part_of(rng.choice(pictures), thing.width, thing.height, rng).convert("RGBA")
            cover.putalpha(thing.getchannel("A"))
            thing = cover
        over = int(0.15 * min(w, h)) if rng.random() < 0.2 else 0
        x, y = (rng.randint(min(-over, room + over), max(-over, room + over)) for room in (width - w, height - h))
        paste(pixels, mask, thing, (x, y, x + w, y + h), rng, real)


def scene(things, pictures, rng):
    """(RGB picture, (SIZE, SIZE) mask of all things in 0..1): one picture, or two or four in one."""
    pixels, mask = np.zeros((SIZE, SIZE, 3), np.float32), np.zeros((SIZE, SIZE), np.float32)
    kind = rng.random()
    if kind < 0.45:
        fill(pixels, mask, things, pictures, rng, rng.choice([0, 1, 1, 2, 3]), 0.1, rng.choice([0.5, 0.6, 0.8, 1.2]))
    else:
        x = int(SIZE * rng.uniform(0.4, 0.6))
        rows = [(0, SIZE)]
        if kind >= 0.7:
            y = int(SIZE * rng.uniform(0.4, 0.6))
            rows = [(0, y), (y, SIZE)]
        for top, bottom in rows:
            for left, right in ((0, x), (x, SIZE)):
                count = 1 if kind < 0.7 else rng.choice([1, 1, 1, 0])
                fill(pixels[top:bottom, left:right], mask[top:bottom, left:right], things, pictures, rng,
                     count, 0.25, rng.choice([0.85, 0.85, 1.25]))
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        packed = io.BytesIO()
        picture.save(packed, "JPEG", quality=rng.randint(50, 92))
        picture = Image.open(packed).convert("RGB")
    return picture, mask
