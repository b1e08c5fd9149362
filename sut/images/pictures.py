"""Paints the shop's pictures, the same bytes wherever the same libraries do it. Run with ``python3 pictures.py FOLDER``.

It runs once, when the image is made, so that all replicas show the same ones; it imports nothing of the shop's.
"""

import colorsys
import random
import sys
from pathlib import Path

from PIL import Image, ImageDraw

MOTIFS = 8
LARGE, SMALL = (960, 720), (240, 180)
QUALITY = 80
_SHAPES = 24
_GRAIN = 0.12  # without it a picture would be nothing but plain areas, and weigh next to nothing


def paint(motif: int) -> Image.Image:
    """Paint one motif in its large size."""
    chance = random.Random(motif)  # noqa: S311 -- no secret
    hue = motif / MOTIFS
    width, height = LARGE
    ground = Image.new("RGB", LARGE, _colour(hue, 0.25, 0.95))
    canvas = ImageDraw.Draw(ground, "RGBA")
    for _ in range(_SHAPES):
        x, y, radius = chance.randrange(width), chance.randrange(height), chance.randrange(30, 220)
        colour = _colour(hue + chance.uniform(-0.1, 0.25), 0.7, chance.uniform(0.4, 1.0))
        box = (x - radius, y - radius, x + radius, y + radius)
        draw = chance.choice((canvas.ellipse, canvas.rectangle))
        draw(box, fill=(*colour, 120))
    grain = Image.frombytes("RGB", LARGE, chance.randbytes(width * height * 3))
    return Image.blend(ground, grain, _GRAIN)


def paint_all(folder: Path) -> None:
    """Paint every motif in both sizes into a folder, which is made."""
    folder.mkdir(parents=True)
    for motif in range(MOTIFS):
        large = paint(motif)
        large.save(folder / f"large-{motif}.webp", quality=QUALITY)
        large.resize(SMALL, Image.Resampling.LANCZOS).save(folder / f"small-{motif}.webp", quality=QUALITY)


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


if __name__ == "__main__":
    paint_all(Path(sys.argv[1]))
