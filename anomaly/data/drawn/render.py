"""Draws one picture of the demo: a good flange, or one with holes, scratches or stains.

A defect is blended over the finished part and cut off where it is too faint to see. Light and
camera act on each pixel separately, so the mask is exactly what the defect changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from anomaly.data.drawn import studio
from anomaly.data.drawn.flange import View, below, edge_distance, random_view, uniform
from anomaly.data.drawn.studio import STEEL, blend
from anomaly.masks.components import components
from anomaly.types import GOOD

FAINT = 0.10  # opacity below which a defect is invisible and left out of the mask
BRASS = np.array([0.88, 0.66, 0.24], np.float32)  # the colour below the plating
CRUMB = 0.04  # components smaller than this share of the largest one are removed
TINTS = {  # the share of red, green and blue that a stain reflects
    "rust": (0.66, 0.40, 0.20),
    "oil": (0.50, 0.42, 0.30),
    "heat": (0.50, 0.56, 0.86),
}

Layer = tuple[np.ndarray, np.ndarray]  # opacity (side, side), colour (side, side, 3)


class Picture(NamedTuple):
    """An image, (side, side, 3) uint8 RGB, and where it is defective, (side, side) bool."""

    image: np.ndarray
    mask: np.ndarray


def render(kind: str, seed: int, index: int, side: int) -> Picture:
    """The picture of (kind, seed, index), which determine its part, pose, light and defects."""
    rng = np.random.default_rng([seed, KINDS.index(kind), index])
    view = random_view(rng, side)
    part = studio.picture(rng, view)
    camera = studio.random_camera(rng, side)
    image, mask = add_defects(kind, rng, view, part)
    return Picture(camera(image), mask)


def add_defects(
    kind: str, rng: np.random.Generator, view: View, part: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The part with one to three defects of a kind, and their (side, side) bool mask."""
    image, mask = part, np.zeros(view.u.shape, bool)
    if kind == GOOD:
        return image, mask
    for _ in range(rng.choice([1, 2, 3], p=COUNTS[kind])):
        opacity, colour = DEFECTS[kind](rng, view, image)
        opacity = _visible(opacity * view.metal)
        image, mask = blend(image, colour, opacity), mask | (opacity > 0)
    return image, mask


def hole(rng: np.random.Generator, view: View, image: np.ndarray) -> Layer:
    """A blowhole: a ragged dark pit with a rim that reflects the light."""
    radius = uniform(rng, 0.08, 0.13)
    _, _, rho, angle = _polar_around(rng, view, radius + 0.045)
    beyond = rho - radius * _ragged(rng, angle, (0.16, 0.08, 0.05))
    pit = below(beyond, 0, view.pixel)
    facing = np.cos(angle - view.lamps[0].azimuth)
    lip = np.exp(-(((beyond - 0.008) / 0.012) ** 2)) * (0.55 + 0.20 * facing)
    wall = (rho / radius) ** 2 * np.clip(-facing, 0, 1)
    tone = (1 - pit) * (0.95 + 0.20 * facing) + pit * (0.06 + 0.16 * np.minimum(wall, 1))
    return np.maximum(pit, lip), tone[..., None] * STEEL


def scratch(rng: np.random.Generator, view: View, image: np.ndarray) -> Layer:
    """A curved groove through the plating that exposes the brass, mostly with a bright burr."""
    u, v, turn, reach, bend = _scratch_arc(rng)
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    x, y = c * (view.u - u) + s * (view.v - v), c * (view.v - v) - s * (view.u - u)
    away = (y - bend * x * x) / np.sqrt(1 + (2 * bend * x) ** 2)
    width = max(uniform(rng, 0.018, 0.028), 0.8 * view.pixel)
    ends = np.sqrt(np.clip((reach - np.abs(x)) / (0.3 * reach), 0, 1))
    groove = np.exp(-((away / width) ** 2)) * ends
    burr = np.exp(-(((away - 1.5 * width) / width) ** 2)) * ends * (rng.random() < 0.7)
    share = (burr / np.maximum(burr + groove, 1e-6))[..., None]
    colour = share * (1.15 * STEEL) + (1 - share) * BRASS * (0.4 + 0.6 * image)
    return np.maximum(0.9 * groove, 0.95 * burr), colour


def stain(rng: np.random.Generator, view: View, image: np.ndarray) -> Layer:
    """An irregular, translucent blotch with a soft edge: rust, oil or heat."""
    radius, side = uniform(rng, 0.15, 0.27), len(view.u)
    u, v, _, _ = _polar_around(rng, view, 0.08)
    pool = np.zeros_like(u)
    for _ in range(4):  # drops that merged
        du, dv = uniform(rng, -0.7, 0.7) * radius, uniform(rng, -0.7, 0.7) * radius
        pool += np.exp(((u - du) ** 2 + (v - dv) ** 2) * (-1.6 / radius**2))
    patchy = 1 + sum(a * studio.noise(rng, side, n) for a, n in ((0.16, 9), (0.10, 19), (0.07, 43)))
    pool *= patchy / pool.max()
    soft_edge = np.clip((pool - 0.14) / 0.50, 0, 1)
    opacity = soft_edge * np.clip(patchy, 0.5, 1) * uniform(rng, 0.70, 0.95)
    tint = np.array(TINTS[str(rng.choice(list(TINTS)))], np.float32)
    return opacity, image * tint


DEFECTS: dict[str, Callable[..., Layer]] = {"hole": hole, "scratch": scratch, "stain": stain}
COUNTS = {"hole": (0.6, 0.3, 0.1), "scratch": (0.7, 0.2, 0.1), "stain": (0.8, 0.2, 0.0)}
KINDS = (GOOD, *DEFECTS)


def _polar_around(rng: np.random.Generator, view: View, room: float) -> tuple[np.ndarray, ...]:
    """Maps of offset (u, v), distance and angle to a random place, `room` away from edges."""
    r, phi = rng.uniform(0, 1, 256) ** 0.7, rng.uniform(0, 2 * np.pi, 256)
    u, v = r * np.cos(phi), r * np.sin(phi)
    best = np.argmax(edge_distance(u, v) > room)
    du, dv = view.u - float(u[best]), view.v - float(v[best])
    return du, dv, *cv2.cartToPolar(du, dv)


def _ragged(rng: np.random.Generator, angle: np.ndarray, heights: tuple) -> np.ndarray:
    """A radius of about 1 for each angle: the sum of 2, 3 and 5 waves around the circle."""
    outline = np.ones_like(angle)
    for waves, height in zip((2, 3, 5), heights, strict=True):
        outline += uniform(rng, 0.3, 1) * height * np.cos(waves * angle + uniform(rng, 0, 6.3))
    return outline


def _scratch_arc(rng: np.random.Generator) -> tuple[float, ...]:
    """(u, v, direction, half length, curvature) of an arc across the turning marks."""
    u, v = rng.uniform(-0.9, 0.9, (2, 400, 1))
    turn, reach = rng.uniform(0, 2 * np.pi, (400, 1)), rng.uniform(0.35, 0.65, (400, 1))
    bend = rng.uniform(-0.5, 0.5, (400, 1))
    x = np.linspace(-1, 1, 25) * reach
    y = bend * x * x
    c, s = np.cos(turn), np.sin(turn)
    clear = edge_distance(u + c * x - s * y, v + s * x + c * y).min(1)
    crossing = np.abs(u * c + v * s) > 0.45 * np.hypot(
        u, v
    )  # parallel to the marks it would be hard to see
    best = np.argmax(np.where(crossing[:, 0], np.minimum(clear, 0.035), -1))
    return tuple(float(a[best, 0]) for a in (u, v, turn, reach, bend))


def _visible(opacity: np.ndarray) -> np.ndarray:
    """The opacity, 0 where it is too faint and on components of a few pixels."""
    opacity = np.where(opacity > FAINT, opacity, 0).astype(np.float32)
    label_map, areas = components(opacity > 0)
    small = areas < CRUMB * areas.max(initial=0)
    return np.where(np.append(False, small)[label_map], 0, opacity)
