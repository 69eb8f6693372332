"""A fingerprint of what a network computes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import keras


def fingerprint(network: keras.Model) -> str:
    """24 hex digits that depend on the graph, the settings of its layers, and every weight.

    Keras numbers layer names by the order of creation. They are replaced by their position, so
    that the same network built twice has the same fingerprint.
    """
    names = [layer.name for layer in (network, *every_layer(network))]
    positions = {name: f"#{place}" for place, name in enumerate(dict.fromkeys(names))}
    graph = json.dumps(_renamed(network.get_config(), positions), sort_keys=True, default=str)
    digest = hashlib.sha256(graph.encode())
    for weight in network.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()[:24]


def every_layer(network: keras.Model) -> Iterator[keras.Layer]:
    """The layers, those of nested networks, and operations such as a sum, which are no layers."""
    if isinstance(network, keras.Sequential):  # its `operations` leave out the input
        network = keras.Model(network.inputs, network.outputs)
    for layer in network.operations:
        yield layer
        if isinstance(layer, keras.Model):
            yield from every_layer(layer)


def _renamed(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, dict):
        kept = {k: v for k, v in node.items() if k != "shared_object_id"}  # a memory address
        return {str(k): _renamed(v, names) for k, v in kept.items()}
    if isinstance(node, list | tuple):
        return [_renamed(item, names) for item in node]
    return names.get(node, node) if isinstance(node, str) else node
