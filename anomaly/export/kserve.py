"""An InferenceService of KServe: the network on its Triton runtime, or our own image.

Source of the fields: https://kserve.github.io/website, serving.kserve.io/v1beta1.
"""

from __future__ import annotations

import json
from string import Template

PORT = 8080  # which KServe expects of a container
HEAD = """apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: $name
  annotations:
    anomaly/run: $run
    anomaly/digest: $digest
spec:
  predictor:
"""
RUNTIME = """    model:
      modelFormat:
        name: onnx
        version: "1"
      protocolVersion: v2
      storageUri: $storage
      resources:
        requests: {cpu: "1", memory: 1Gi}
"""
CONTAINER = """    containers:
      - name: kserve-container
        image: $image
        args: [/mnt/models, --host, 0.0.0.0, --port, "$port"]
        env:
          - {name: STORAGE_URI, value: $storage}
        ports:
          - {containerPort: $port, protocol: TCP}
        readinessProbe:
          httpGet: {path: /health/ready, port: $port}
        resources:
          requests: {cpu: "1", memory: 1Gi}
"""


def manifest(name: str, run: str, digest: str, storage: str, image: str | None = None) -> str:
    """The YAML of a service.

    Args:
        storage: where KServe fetches from: the model repository, or with an image the bundle.
        image: of the Docker target `serve`; without, KServe's Triton runtime serves the network.
    """
    values = {"run": run, "digest": digest, "storage": storage, "image": image or ""}
    quoted = {key: json.dumps(value) for key, value in values.items()}  # JSON strings are YAML
    return Template(HEAD + (CONTAINER if image else RUNTIME)).substitute(
        quoted, name=name, port=PORT
    )
