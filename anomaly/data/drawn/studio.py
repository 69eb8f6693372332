"""How the demo's part looks: turned steel on a granite plate, lit by two lamps, seen by a camera.

Lamps and camera act on each pixel separately, so pixels outside a defect do not change.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from anomaly.data.drawn.flange import (
    BORE,
    CIRCLE,
    DRILL,
    HUB,
    STEP,
    Lamp,
    View,
    below,
    slopes,
    uniform,
)

STEEL = np.array([0.77, 0.79, 0.81], np.float32)
GRANITE = np.array([0.145, 0.155, 0.170], np.float32)
MARKS = 6  # how often a turning mark fades in and out around the circle
GLOSS = 38  # larger values give narrower highlights


def picture(rng: np.random.Generator, view: View) -> np.ndarray:
    """(side, side, 3) float32 RGB of a good part in even, white light; 1 is white."""
    bright = _steel(rng, view)
    bright += (_openings(view) - bright) * (1 - view.metal)
    part = bright[..., None] * (STEEL * _tone(rng, view))
    return blend(_plate(rng, view), part, below(view.r, 1, view.pixel))


def random_camera(rng: np.random.Generator, side: int) -> Callable[[np.ndarray], np.ndarray]:
    """A camera that turns (side, side, 3) RGB, 1 for white, into uint8.

    Its gain, colour temperature, light gradient, vignette and noise are random.
    """
    warm, gain = uniform(rng, -0.05, 0.05), uniform(rng, 0.86, 1.12)
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    field = 1 + uniform(rng, -0.1, 0.1) * axis + uniform(rng, -0.1, 0.1) * axis[:, None]
    field *= 1 - 0.10 * (axis**2 + axis[:, None] ** 2)
    tint = np.array([1 + warm, 1, 1 - warm], np.float32) * gain
    grain = rng.standard_normal((side, side, 3), np.float32) * uniform(rng, 1.2, 2.8)

    def photograph(image: np.ndarray) -> np.ndarray:
        lit = image * field[..., None] * tint
        bright = np.maximum(lit - 0.8, 0)
        rolled = lit - bright * bright / (
            bright + 0.2
        )  # compresses highlights: white is never reached
        return np.clip(rolled * 255 + grain, 0, 255).astype(np.uint8)

    return photograph


def blend(lower: np.ndarray, upper: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """An RGB image over another; where `opacity`, (side, side), is 0 the lower one is unchanged."""
    return lower + (upper - lower) * opacity[..., None]


def noise(rng: np.random.Generator, side: int, cells: int) -> np.ndarray:
    """(side, side) float32: smooth noise of about unit variance, `cells` bumps per side."""
    lattice = rng.standard_normal((cells, cells), np.float32)
    return cv2.resize(lattice, (side, side), interpolation=cv2.INTER_CUBIC)


def _steel(rng: np.random.Generator, view: View) -> np.ndarray:
    grain = _grain(rng, view)
    gu, gv = slopes(view)
    glow = 0.20 + 0.02 * grain
    for lamp in view.lamps:
        glow = glow + lamp.strength * _reflect(view, gu, gv, grain, lamp)
    return glow * _hub_shading(view) * (1 + 0.035 * grain)


def _grain(rng: np.random.Generator, view: View) -> np.ndarray:
    """Turning marks of about unit variance: rings that fade in and out, as fine as the pixels."""
    fine = 0.8 / view.pixel  # rings per radius
    rows = int(1.8 * fine)  # the corners of the picture lie within 1.8 radii
    profile = np.zeros((rows, MARKS), np.float32)
    for weight, pitch in ((0.15, 28 / fine), (0.50, 0.5), (0.90, 1)):
        ring = rng.standard_normal((max(int(rows * pitch), 2), MARKS), np.float32)
        profile += weight * cv2.resize(ring, (MARKS, rows), interpolation=cv2.INTER_CUBIC)
    runout = 0.006 * np.sin(view.phi + uniform(rng, 0, 2 * np.pi))  # of the lathe
    along = view.phi * (MARKS / (2 * np.pi))
    across = (view.r + runout) * fine
    return cv2.remap(profile, along, across, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)


def _reflect(
    view: View, gu: np.ndarray, gv: np.ndarray, grain: np.ndarray, lamp: Lamp
) -> np.ndarray:
    """Diffuse light, and the bow-tie-shaped highlights of turned metal.

    They lie where the half vector is perpendicular to the marks, as in the model of hair by
    Kajiya & Kay, "Rendering Fur with Three Dimensional Textures", 1989.
    """
    lu, lv = math.cos(lamp.azimuth), math.sin(lamp.azimuth)
    flat, up = math.cos(lamp.elevation), math.sin(lamp.elevation)
    steep = 1 / np.sqrt(1 + gu * gu + gv * gv)
    diffuse = np.maximum((up - flat * (gu * lu + gv * lv)) * steep, 0)
    half = flat / math.hypot(flat, up + 1)
    along = half * (view.u * lv - view.v * lu) / np.maximum(view.r, 1e-3) + 0.030 * grain
    return 0.36 * diffuse + 0.40 * np.exp(along * along * -GLOSS) * steep**2


def _hub_shading(view: View) -> np.ndarray:
    """The shading at the foot of the hub."""
    beyond = view.r - (HUB + STEP)
    return 1 - 0.35 * np.exp(-np.abs(beyond) / 0.03) * below(-beyond, 0, view.pixel)


def _tone(rng: np.random.Generator, view: View) -> np.ndarray:
    """(side, side, 3) factors: gradual changes of tone and colour, and signs of wear."""
    side = len(view.u)
    tone = (1 + 0.025 * noise(rng, side, 7)) * _wear(rng, view)
    hue = 0.006 * noise(rng, side, 5)
    return np.stack([tone + hue, tone, tone - hue], -1)


def _wear(rng: np.random.Generator, view: View) -> np.ndarray:
    """Faint straight hairlines, far weaker than a scratch, at random places."""
    wear = np.ones_like(view.u)
    for _ in range(3):
        turn, reach = uniform(rng, 0, np.pi), uniform(rng, 0.1, 0.4)
        c, s = math.cos(turn), math.sin(turn)
        u, v = view.u - uniform(rng, -0.8, 0.8), view.v - uniform(rng, -0.8, 0.8)
        line = below(np.abs(c * v - s * u), 0.004, view.pixel)
        wear += uniform(rng, -0.03, 0.03) * line * below(np.abs(c * u + s * v), reach, 0.05)
    return wear


def _openings(view: View) -> np.ndarray:
    """Bore and bolt holes: nearly black, with a reflection on the wall that faces the lamp."""
    key = view.lamps[0]
    bu, bv, _ = view.bolt
    bore = view.r < (BORE + CIRCLE) / 2
    du, dv = np.where(bore, view.u / BORE, bu / DRILL), np.where(bore, view.v / BORE, bv / DRILL)
    wall = np.clip(np.sqrt(du * du + dv * dv) * 3.5 - 2.5, 0, 1)
    facing = -(du * math.cos(key.azimuth) + dv * math.sin(key.azimuth))
    return 0.05 + 0.30 * wall * np.clip(facing, 0, 1)


def _plate(rng: np.random.Generator, view: View) -> np.ndarray:
    """The granite plate below the part, with its soft shadow."""
    key, side = view.lamps[0], len(view.u)
    away = 0.10 / math.tan(key.elevation)
    du, dv = away * math.cos(key.azimuth), away * math.sin(key.azimuth)
    shadow = np.clip((1.14 - cv2.magnitude(view.u + du, view.v + dv)) / 0.22, 0, 1)
    flecks = noise(rng, side, 72) + 0.6 * noise(rng, side, 130)
    stone = 1 + 0.05 * noise(rng, side, 6) + 0.14 * flecks + 0.12 * np.square(np.maximum(flecks, 0))
    colour = GRANITE * (1 + rng.uniform(-0.04, 0.04, 3).astype(np.float32))
    return (np.maximum(stone, 0.3) * (1 - 0.75 * shadow))[..., None] * colour
