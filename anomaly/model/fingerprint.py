"""Names what a network computes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import keras


def fingerprint(network: keras.Model) -> str:
    """One name for what a network computes: its graph, its layers' settings and every weight.

    Keras numbers layer names by the order of creation; they are replaced by their position, so
    that the same network built twice has the same name.
    """
    names = [layer.name for layer in (network, *every_layer(network))]
    places = {name: f"#{place}" for place, name in enumerate(dict.fromkeys(names))}
    graph = json.dumps(_renamed(network.get_config(), places), sort_keys=True, default=str)
    digest = hashlib.sha256(graph.encode())
    for weight in network.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()[:24]


def every_layer(network: keras.Model) -> Iterator[keras.Layer]:
    """Also those of networks inside it, and operations such as a sum that are no layers."""
    if isinstance(network, keras.Sequential):  # which keeps its input to itself
        network = keras.Model(network.inputs, network.outputs)
    for layer in network.operations:
        yield layer
        if isinstance(layer, keras.Model):
            yield from every_layer(layer)


def _renamed(node: Any, places: dict[str, str]) -> Any:
    if isinstance(node, dict):
        kept = {k: v for k, v in node.items() if k != "shared_object_id"}  # a memory address
        return {str(k): _renamed(v, places) for k, v in kept.items()}
    if isinstance(node, list | tuple):
        return [_renamed(item, places) for item in node]
    return places.get(node, node) if isinstance(node, str) else node
