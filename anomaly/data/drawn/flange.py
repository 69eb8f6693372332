"""The shape and pose of the demo's part: a turned flange with hub, bore, keyway and bolt holes.

Lengths are in radii of the part, in whose frame (u, v) all is drawn; lamps are given there too.
Nothing is blurred afterwards: edges are smooth because shares of pixels are computed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

FILL = 0.80  # radius of the part in half image sides
BORE, HUB, GROOVE = 0.20, 0.43, 0.86  # radii: the bore, the raised hub, a turned groove
STEP, LINE = 0.035, 0.014  # widths of the hub's flank and of half the groove
BOLTS, CIRCLE, DRILL = 6, 0.645, 0.088  # bolt holes: how many, on which radius, how wide
SINK = 0.030  # width of the chamfer around a bolt hole
KEYWAY = (0.055, 0.275)  # half width of the slot in the bore, and how far out it reaches
TILT = 0.42  # radians that a part may lean away from the camera


@dataclass(frozen=True)
class Lamp:
    """One lamp, far away: where it stands in the part's frame, and how strong it is."""

    azimuth: float  # radians
    elevation: float  # radians above the surface
    strength: float


@dataclass(frozen=True)
class View:
    """A camera's look at one part. Maps are (side, side) float32."""

    u: np.ndarray
    v: np.ndarray
    r: np.ndarray
    phi: np.ndarray
    bolt: tuple[np.ndarray, np.ndarray, np.ndarray]  # offset (u, v), distance to the nearest one
    pixel: float  # size of one pixel, in radii of the part
    metal: np.ndarray  # how much of a pixel is metal, 0..1
    lamps: tuple[Lamp, ...]


def look(rng: np.random.Generator, side: int) -> View:
    """A part in a pose of its own: any turn, tilted a little, shifted, nearer or farther."""
    turn, scale = draw(rng, 0, 2 * np.pi), FILL * draw(rng, 0.90, 1.08)
    axis = ((np.arange(side, dtype=np.float32) + 0.5) * 2 / side - 1) / scale
    x, y = np.meshgrid(axis + draw(rng, -0.07, 0.07), axis + draw(rng, -0.07, 0.07))
    x, y = _tilted(x, y, draw(rng, 0, np.pi), math.cos(draw(rng, 0, TILT)))
    c, s = math.cos(turn), math.sin(turn)
    u, v = c * x + s * y, c * y - s * x
    pixel = 2 / (side * scale)
    r, phi = cv2.cartToPolar(u, v)
    bolt = _nearest_bolt(u, v, phi)
    metal = below(-_clearance(u, v, r, bolt[2]), 0, pixel)
    return View(u, v, r, phi, bolt, pixel, metal, _lamps(rng, turn))


def solid(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """How far each point lies from the nearest edge: positive on metal, negative off it."""
    rho = _nearest_bolt(u, v, np.arctan2(v, u) % (2 * np.pi))[2]
    return _clearance(u, v, np.hypot(u, v), rho)


def slopes(view: View) -> tuple[np.ndarray, np.ndarray]:
    """The gradient (u, v) of the part's height: its chamfers, its hub and its groove."""
    steps = (  # slope, inner and outer radius
        (0.9, 0, BORE + STEP),
        (-1.3, HUB, HUB + STEP),
        (-0.9, GROOVE - LINE, GROOVE),
        (0.9, GROOVE, GROOVE + LINE),
        (-0.9, 0.955, 2),
    )
    fall = sum(slope * band(view.r, low, high, view.pixel) for slope, low, high in steps)
    fall = fall / np.maximum(view.r, 1e-3)
    bu, bv, rho = view.bolt
    sink = 0.9 * below(rho, DRILL + SINK, view.pixel) / np.maximum(rho, 1e-3)
    return view.u * fall + bu * sink, view.v * fall + bv * sink


def below(x: np.ndarray, edge: float, pixel: float) -> np.ndarray:
    """The share of a pixel that lies below an edge: 1 inside, 0 outside, smooth between."""
    return np.clip((edge - x) / (1.3 * pixel) + 0.5, 0, 1)


def band(x: np.ndarray, low: float, high: float, pixel: float) -> np.ndarray:
    """The share of a pixel that lies between two edges."""
    return below(x, high, pixel) - below(x, low, pixel)


def draw(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between two others; a plain float, as numpy's would widen whole maps to float64."""
    return float(rng.uniform(low, high))


def _tilted(x: np.ndarray, y: np.ndarray, axis: float, squeeze: float) -> tuple:
    """Points of a plane that the camera sees squeezed across an axis."""
    c, s = math.cos(axis), math.sin(axis)
    across = (c * y - s * x) * (1 / squeeze - 1)
    return x - s * across, y + c * across


def _lamps(rng: np.random.Generator, turn: float) -> tuple[Lamp, ...]:
    key = draw(rng, 0, 2 * np.pi) - turn
    fill = key + draw(rng, 1.2, 2.4) * (1 if rng.random() < 0.5 else -1)
    return (
        Lamp(key, draw(rng, 0.80, 1.05), draw(rng, 0.9, 1.1)),
        Lamp(fill, draw(rng, 0.70, 1.00), draw(rng, 0.30, 0.55)),
    )


def _nearest_bolt(u: np.ndarray, v: np.ndarray, phi: np.ndarray) -> tuple:
    """Offsets (u, v) from the nearest bolt hole's centre, and the distance to it."""
    k = (phi * (BOLTS / (2 * np.pi)) + 0.5).astype(np.int32) % BOLTS
    angles = np.arange(BOLTS, dtype=u.dtype) * (2 * np.pi / BOLTS)
    bu, bv = u - (CIRCLE * np.cos(angles))[k], v - (CIRCLE * np.sin(angles))[k]
    return bu, bv, np.sqrt(bu * bu + bv * bv)


def _clearance(u: np.ndarray, v: np.ndarray, r: np.ndarray, rho: np.ndarray) -> np.ndarray:
    slot = np.maximum(np.abs(v) - KEYWAY[0], np.abs(u - KEYWAY[1] / 2) - KEYWAY[1] / 2)
    return np.minimum(np.minimum(1 - r, r - BORE), np.minimum(rho - DRILL, slot))
