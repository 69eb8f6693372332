"""Writes what other servers need to run an exported model: Triton Inference Server, or KServe.

BUNDLE is the folder that `anomaly export --to onnx` wrote. For triton, OUT is a model repository. For kserve,
OUT holds service.yaml, and in models the repository to copy to --storage-uri; with --image, a container of
this project's image serves the bundle itself, which is then what lies at --storage-uri.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from anomaly.errors import InputError
from anomaly.export import kserve, triton
from anomaly.inspector.about import About
from anomaly.inspector.bundle import check
from anomaly.inspector.find import bundle_of
from anomaly.inspector.runtimes.onnx import FILE
from anomaly.runtime.files import new_folder

ONNX = "onnx"
LONGEST = 40  # letters: of the 63 of a DNS label, the rest is for KServe's endings and a namespace
URI = re.compile(r"[a-z][a-z0-9+.-]*://\S+")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the folder, and print what to do with it.

    Raises:
        InputError: no such bundle, one without an ONNX network, options that do not fit, or a folder
            that exists; nothing is written then.
    """
    options = _parser().parse_args(arguments)
    _check(options)
    bundle = bundle_of(options.bundle, Path("outputs"))
    about = check(bundle)
    _check_onnx(about, options.bundle)
    name = legal(about)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with new_folder(options.out) as folder:
        folder.mkdir()
        lines = _write(bundle, about, name, folder, options)
    if name != about.name:
        print(
            f"{about.name} is called {name} there, where letters are small and few signs are legal"
        )
    print("\n".join(lines))


def legal(about: About) -> str:
    """The model's name as Kubernetes allows it (RFC 1123, a letter first), or one of its digest."""
    name = re.sub(r"[^a-z0-9]+", "-", about.name.lower()).lstrip("-0123456789")
    return name[:LONGEST].strip("-") or f"model-{about.digest[:8]}"


def _check(options: argparse.Namespace) -> None:
    if options.out.exists():
        raise InputError(f"{options.out} exists already; give the name of a new folder")
    if options.target == "triton" and (options.image or options.storage_uri):
        raise InputError("--storage-uri and --image are for --for kserve")
    if options.target == "kserve" and not URI.fullmatch(options.storage_uri or ""):
        raise InputError(
            "--for kserve needs --storage-uri URI, from where the cluster fetches the model, such as"
            " s3://models/line-3 or pvc://models/line-3"
        )


def _check_onnx(about: About, bundle: str) -> None:
    if about.ensemble:
        raise InputError(
            f"{bundle} is an ensemble, and these servers run one network: deploy its members, or"
            " the image of `anomaly serve`"
        )
    if about.runtime != ONNX or FILE not in about.files:
        raise InputError(
            f"{bundle} holds no ONNX network (it is a {about.kind} for {about.runtime}); give the"
            " folder that `anomaly export MODEL OUT --to onnx` wrote"
        )


def _write(
    bundle: Path, about: About, name: str, folder: Path, options: argparse.Namespace
) -> list[str]:
    """Fill the folder; returns lines to print."""
    if options.target == "triton":
        triton.write(bundle, about, name, folder)
        return [f"run with: tritonserver --model-repository {options.out}", _outside(name)]
    run, digest = about.run["id"], about.digest
    service = kserve.manifest(name, run, digest, options.storage_uri, options.image)
    (folder / "service.yaml").write_text(service, encoding="utf-8")
    apply = f"then: kubectl apply -f {options.out / 'service.yaml'}"
    if options.image:
        return [f"copy {options.bundle} to {options.storage_uri}", apply]
    triton.write(bundle, about, name, folder / "models")
    return [f"copy {options.out / 'models'} to {options.storage_uri}", apply, _outside(name)]


def _outside(name: str) -> str:
    return (
        "the server runs the network alone; what its clients compute before and after is in"
        f" {name}/{triton.AROUND}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("anomaly deploy", description=__doc__)
    add = parser.add_argument
    add("bundle", metavar="BUNDLE", help="an exported bundle, of --to onnx")
    add("out", metavar="OUT", type=Path, help="the new folder")
    add("--for", dest="target", required=True, choices=("triton", "kserve"), help="the server")
    add("--storage-uri", metavar="URI", help="kserve: from where the cluster fetches the model")
    add("--image", help="kserve: the image of the Docker target serve, instead of Triton")
    return parser
