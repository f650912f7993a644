"""Generate photos of handwritten digits: strokes on paper, the paper on a table, light and shadows, a camera, and JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

INKS = {"blue": (35, 55, 140), "black": (40, 40, 45), "pencil": (105, 105, 110), "faint": (150, 150, 152)}
PAPERS = ("plain", "lined", "squared")
GLYPH_SIDE = 320  # pixels of a drawn digit
GLYPH_BORDER = 30

# Points of the strokes of each digit, in a square of 100 x 100; strokes are smooth curves, corners are repeated points.
DIGITS: dict[str, list[list[tuple[int, int]]]] = {
    "0": [[(52, 8), (30, 18), (22, 50), (30, 82), (50, 92), (70, 82), (78, 50), (70, 18), (50, 8)]],
    "1": [[(38, 26), (54, 8), (54, 8), (53, 50), (52, 92)]],
    "2": [[(26, 28), (34, 12), (54, 8), (72, 20), (70, 40), (48, 66), (24, 90), (24, 90), (50, 89), (78, 90)]],
    "3": [[(27, 16), (48, 8), (70, 18), (66, 38), (46, 47), (46, 47), (70, 56), (74, 76), (52, 92), (26, 84)]],
    "4": [[(42, 8), (34, 34), (24, 58), (24, 58), (50, 59), (80, 57)], [(64, 30), (63, 60), (61, 92)]],
    "5": [[(74, 9), (52, 10), (36, 11), (36, 11), (33, 28), (30, 46), (30, 46), (52, 40), (72, 54), (72, 76), (52, 92),
           (26, 85)]],
    "6": [[(64, 8), (44, 24), (30, 52), (30, 78), (48, 92), (68, 80), (66, 60), (48, 54), (32, 66)]],
    "7": [[(22, 12), (50, 13), (78, 10), (78, 10), (62, 44), (46, 92)]],
    "8": [[(66, 20), (50, 8), (34, 18), (38, 36), (60, 54), (70, 74), (52, 92), (32, 78), (40, 56), (62, 38), (67, 22)]],
    "9": [[(70, 26), (52, 8), (32, 20), (34, 42), (52, 50), (68, 36), (71, 22), (70, 50), (64, 92)]],
}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """What a photo shows.

    Args:
        ink, paper: keys of `INKS` and `PAPERS`. `is_board` is light ink on a dark board.
        tilt: degrees, clockwise.
        stroke: width of the pen, as a share of the height of the digit.
        digit: height of the digit, as a share of the shorter side of the paper.
        has_table: all edges of the paper and the table around it are visible.
        has_shadow: a soft shadow covers a part of the photo.
        size: width and height of the photo.
    """

    ink: str = "blue"
    paper: str = "plain"
    tilt: float = 0.0
    stroke: float = 0.05
    digit: float = 0.3
    has_table: bool = True
    has_shadow: bool = True
    is_board: bool = False
    size: tuple[int, int] = (1120, 840)


def make_scene(rng: np.random.Generator, **fixed: object) -> Scene:
    """Return a random scene with some fixed properties."""
    values: dict[str, object] = {
        "ink": str(rng.choice(list(INKS))), "paper": str(rng.choice(PAPERS)), "tilt": float(rng.uniform(-20, 20)),
        "stroke": float(rng.uniform(0.02, 0.09)), "digit": float(rng.uniform(0.15, 0.6)),
        "has_table": bool(rng.random() < 0.6), "has_shadow": bool(rng.random() < 0.5),
        "size": (1120, 840) if rng.random() < 0.5 else (840, 1120),
    }  # fmt: skip
    return Scene(**values | fixed)  # type: ignore[arg-type]


def draw_digit(rng: np.random.Generator, digit: str, stroke: float) -> Image.Image:
    """Return a digit as written by hand: white on black, different each time.

    Args:
        stroke: width of the pen, as a share of the height of the digit.
    """
    height = GLYPH_SIDE - 2 * GLYPH_BORDER
    slant, width = rng.normal(0.06, 0.10), rng.uniform(0.75, 1.1)
    shift = rng.normal(0, 1.8, 2)
    canvas = Image.new("L", (GLYPH_SIDE * 2, GLYPH_SIDE * 2))
    draw = ImageDraw.Draw(canvas)
    radius = max(2.0, stroke * height)
    for points in DIGITS[digit]:
        moved = np.array(points, float) + shift
        noise = rng.normal(0, 2.2, moved.shape)
        repeated = (np.diff(moved, axis=0) == 0).all(1).nonzero()[0] + 1
        noise[repeated] = noise[repeated - 1]
        curve = _smooth(moved + noise)
        curve[:, 0] = (curve[:, 0] - 50) * width + (50 - curve[:, 1]) * slant + 50
        for x, y in (curve * height / 100 + GLYPH_BORDER) * 2:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return canvas.resize((GLYPH_SIDE, GLYPH_SIDE), Image.Resampling.BOX)


def take_photo(rng: np.random.Generator, glyph: Image.Image, scene: Scene, *, quality: int | None = None) -> bytes:
    """Return a JPEG file of a scene.

    Args:
        glyph: the digit, white on black, which fills most of a square.
    """
    sheet = _draw_sheet(rng, glyph, scene)
    pixels = _place_sheet(rng, sheet, scene)
    pixels *= _make_light(rng, scene)[..., None]
    photo = Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.6)))
    noise = rng.standard_normal((*scene.size[::-1], 1), np.float32) * np.float32(rng.uniform(2, 7))
    noisy = Image.fromarray((np.asarray(photo) + noise).clip(0, 255).astype(np.uint8))
    out = BytesIO()
    noisy.save(out, "JPEG", quality=quality or int(rng.integers(60, 92)))
    return out.getvalue()


def _smooth(points: np.ndarray, steps: int = 24) -> np.ndarray:
    """Return points on a Catmull-Rom curve."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        parts.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*parts, points[-1:]])


def _draw_sheet(rng: np.random.Generator, glyph: Image.Image, scene: Scene) -> Image.Image:
    """Return the sheet of paper with its rules and the digit, at the size of the photo."""
    width, height = scene.size
    color = np.array((45, 58, 52) if scene.is_board else (244, 243, 238)) + rng.integers(-8, 8, 3)
    sheet = Image.new("RGB", scene.size, tuple(map(int, color)))
    side = round(scene.digit * min(scene.size) * GLYPH_SIDE / (GLYPH_SIDE - 2 * GLYPH_BORDER))
    _draw_rules(rng, sheet, scene, side)
    left = int(rng.uniform(0.12, 0.88 - side / width) * width)
    top = int(rng.uniform(0.12, 0.88 - side / height) * height)
    mask = glyph.resize((side, side), Image.Resampling.BICUBIC)
    if scene.ink in ("pencil", "faint"):
        grain = rng.normal(0.8, 0.25, (side, side)).clip(0, 1)
        mask = Image.fromarray((np.asarray(mask) * grain).astype(np.uint8))
    ink = (225, 228, 222) if scene.is_board else INKS[scene.ink]
    sheet.paste(Image.new("RGB", (side, side), ink), (left, top), mask)
    return sheet


def _draw_rules(rng: np.random.Generator, sheet: Image.Image, scene: Scene, side: int) -> None:
    if scene.paper == "plain":
        return
    draw = ImageDraw.Draw(sheet)
    width, height = sheet.size
    share = rng.uniform(0.35, 1.0) if scene.paper == "lined" else rng.uniform(0.2, 0.6)
    gap = max(22.0, side * share)
    thickness = int(rng.integers(2, 4))
    paper = np.array(sheet.getpixel((0, 0)))
    target = np.array([(120, 160, 215), (150, 150, 155), (140, 175, 200)][rng.integers(3)])
    color = tuple(map(int, target * 0.9 + paper * 0.1))
    for y in np.arange(gap, height, gap):
        draw.line((0, y, width, y), color, thickness)
    if scene.paper == "squared":
        for x in np.arange(gap, width, gap):
            draw.line((x, 0, x, height), color, thickness)
    elif rng.random() < 0.5:
        draw.line((width * 0.1, 0, width * 0.1, height), (215, 110, 120), thickness)


def _place_sheet(rng: np.random.Generator, sheet: Image.Image, scene: Scene) -> np.ndarray:
    """Return the sheet as a camera sees it: tilted, in perspective, and on a table."""
    width, height = scene.size
    angle = np.radians(scene.tilt)
    scale = rng.uniform(0.62, 0.72) if scene.has_table else 1.0
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], float) - (width / 2, height / 2)
    rotation = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    seen = corners * scale @ rotation + (width / 2, height / 2)
    seen += rng.uniform(-0.04, 0.04, (4, 2)) * (width, height) * scale
    if not scene.has_table:  # the paper continues beyond the photo
        tiled = Image.new("RGB", (width * 2, height * 2), sheet.getpixel((0, 0)))
        tiled.paste(_extend(sheet), (0, 0))
        coefficients = _solve_perspective(seen, corners + np.array((width, height)))
        return np.asarray(_transform(tiled, scene.size, coefficients), np.float32)
    coefficients = _solve_perspective(seen, corners + np.array((width / 2, height / 2)))
    mask = _transform(Image.new("L", sheet.size, 255), scene.size, coefficients)
    placed = _transform(sheet, scene.size, coefficients)
    share = np.asarray(mask, np.float32)[..., None] / 255
    return _make_table(rng, scene.size) * (1 - share) + np.asarray(placed, np.float32) * share


def _transform(image: Image.Image, size: tuple[int, int], coefficients: tuple[float, ...]) -> Image.Image:
    return image.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)


def _extend(sheet: Image.Image) -> Image.Image:
    """Return the sheet in the center of a sheet of twice the size, with its edges repeated."""
    pixels = np.asarray(sheet)
    height, width = pixels.shape[:2]
    return Image.fromarray(np.pad(pixels, ((height // 2,) * 2, (width // 2,) * 2, (0, 0)), "edge"))


def _make_table(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    color = np.array(
        [(110, 75, 48), (60, 60, 64), (165, 130, 95), (185, 184, 180), (35, 40, 60)][rng.integers(5)], np.float32
    )
    stretched = Image.fromarray(rng.normal(128, 40, (size[1] // 6, 8)).clip(0, 255).astype(np.uint8))
    grain = np.asarray(stretched.resize(size, Image.Resampling.BICUBIC), np.float32) / 128
    result: np.ndarray = color * (1 + (grain[..., None] - 1) * rng.uniform(0.05, 0.35))
    return result


def _make_light(rng: np.random.Generator, scene: Scene) -> np.ndarray:
    """Return the brightness of each place: a gradient, darker corners, and a soft shadow."""
    width, height = scene.size
    x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.3)
    light: np.ndarray = rng.uniform(0.7, 0.95) + strength * (x * np.cos(angle) + y * np.sin(angle)) / 1.4
    light -= rng.uniform(0, 0.12) * (x * x + y * y)
    if scene.has_shadow:
        shadow = Image.new("L", (160, 120), 255)
        points = [(rng.uniform(-20, 180), rng.uniform(-20, 140)) for _ in range(3)]
        ImageDraw.Draw(shadow).polygon([*points, (rng.choice([-20, 180]), 130)], fill=int(rng.uniform(120, 200)))
        soft = shadow.filter(ImageFilter.GaussianBlur(rng.uniform(1.5, 8))).resize(scene.size, Image.Resampling.BICUBIC)
        light *= np.asarray(soft, np.float32) / 255
    return light


def _solve_perspective(seen: np.ndarray, flat: np.ndarray) -> tuple[float, ...]:
    """Return the coefficients of `Image.transform` that map four points of the photo to four points of the sheet."""
    rows, values = [], []
    for (x, y), (u, v) in zip(seen, flat, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
        values += [u, v]
    return tuple(map(float, np.linalg.solve(np.array(rows), np.array(values))))
