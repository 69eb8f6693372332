"""The shape and pose of the demo's part: a turned flange with hub, bore, keyway and bolt holes.

Lengths are in radii of the part, and everything, lamps included, is given in its frame (u, v).
Edges are smooth because the covered share of each pixel is computed; nothing is blurred afterwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

FILL = 0.80  # radius of the part, in half sides of the image
BORE, HUB, GROOVE = 0.20, 0.43, 0.86  # radii: the bore, the raised hub, a turned groove
STEP, LINE = 0.035, 0.014  # widths of the hub's flank and of half the groove
BOLTS, CIRCLE, DRILL = (
    6,
    0.645,
    0.088,
)  # bolt holes: their number, the radius of their circle, their radius
SINK = 0.030  # width of the chamfer around a bolt hole
KEYWAY = (0.055, 0.275)  # of the slot in the bore: half its width, and its end
TILT = 0.42  # radians, the largest tilt away from the camera


@dataclass(frozen=True)
class Lamp:
    """A distant lamp: its direction in the part's frame, and its strength."""

    azimuth: float  # radians
    elevation: float  # radians above the surface
    strength: float


@dataclass(frozen=True)
class View:
    """One part as the camera sees it. Maps are (side, side) float32."""

    u: np.ndarray
    v: np.ndarray
    r: np.ndarray
    phi: np.ndarray
    bolt: tuple[np.ndarray, np.ndarray, np.ndarray]  # offset (u, v), distance to the nearest one
    pixel: float  # size of one pixel, in radii of the part
    metal: np.ndarray  # share of each pixel that is metal, 0..1
    lamps: tuple[Lamp, ...]


def random_view(rng: np.random.Generator, side: int) -> View:
    """A part in a random pose: any rotation, slightly tilted, shifted and scaled."""
    turn, scale = uniform(rng, 0, 2 * np.pi), FILL * uniform(rng, 0.90, 1.08)
    axis = ((np.arange(side, dtype=np.float32) + 0.5) * 2 / side - 1) / scale
    x, y = np.meshgrid(axis + uniform(rng, -0.07, 0.07), axis + uniform(rng, -0.07, 0.07))
    x, y = _tilted(x, y, uniform(rng, 0, np.pi), math.cos(uniform(rng, 0, TILT)))
    c, s = math.cos(turn), math.sin(turn)
    u, v = c * x + s * y, c * y - s * x
    pixel = 2 / (side * scale)
    r, phi = cv2.cartToPolar(u, v)
    bolt = _nearest_bolt(u, v, phi)
    metal = below(-_edge_distance(u, v, r, bolt[2]), 0, pixel)
    return View(u, v, r, phi, bolt, pixel, metal, _lamps(rng, turn))


def edge_distance(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Distance of each point from the nearest edge: positive on metal, negative elsewhere."""
    rho = _nearest_bolt(u, v, np.arctan2(v, u) % (2 * np.pi))[2]
    return _edge_distance(u, v, np.hypot(u, v), rho)


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
    """The share of each pixel where x is below an edge: 1 inside, 0 outside, smooth between."""
    return np.clip((edge - x) / (1.3 * pixel) + 0.5, 0, 1)


def band(x: np.ndarray, low: float, high: float, pixel: float) -> np.ndarray:
    """The share of each pixel where x lies between two edges."""
    return below(x, high, pixel) - below(x, low, pixel)


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A uniform random number, as a float: numpy's scalars would widen maps to float64."""
    return float(rng.uniform(low, high))


def _tilted(x: np.ndarray, y: np.ndarray, axis: float, squeeze: float) -> tuple:
    """Points on a tilted plane, which the camera sees compressed across the tilt axis."""
    c, s = math.cos(axis), math.sin(axis)
    across = (c * y - s * x) * (1 / squeeze - 1)
    return x - s * across, y + c * across


def _lamps(rng: np.random.Generator, turn: float) -> tuple[Lamp, ...]:
    key = uniform(rng, 0, 2 * np.pi) - turn
    fill = key + uniform(rng, 1.2, 2.4) * (1 if rng.random() < 0.5 else -1)
    return (
        Lamp(key, uniform(rng, 0.80, 1.05), uniform(rng, 0.9, 1.1)),
        Lamp(fill, uniform(rng, 0.70, 1.00), uniform(rng, 0.30, 0.55)),
    )


def _nearest_bolt(u: np.ndarray, v: np.ndarray, phi: np.ndarray) -> tuple:
    """Offsets (u, v) from the centre of the nearest bolt hole, and the distance to it."""
    k = (phi * (BOLTS / (2 * np.pi)) + 0.5).astype(np.int32) % BOLTS
    angles = np.arange(BOLTS, dtype=u.dtype) * (2 * np.pi / BOLTS)
    bu, bv = u - (CIRCLE * np.cos(angles))[k], v - (CIRCLE * np.sin(angles))[k]
    return bu, bv, np.sqrt(bu * bu + bv * bv)


def _edge_distance(u: np.ndarray, v: np.ndarray, r: np.ndarray, rho: np.ndarray) -> np.ndarray:
    slot = np.maximum(np.abs(v) - KEYWAY[0], np.abs(u - KEYWAY[1] / 2) - KEYWAY[1] / 2)
    return np.minimum(np.minimum(1 - r, r - BORE), np.minimum(rho - DRILL, slot))
