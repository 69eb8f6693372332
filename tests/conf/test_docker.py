"""What can be known of the images where no Docker engine is."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from sqlalchemy import make_url

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
KNOWN = {  # the words of the compose specification that we use
    *("image", "build", "command", "entrypoint", "environment", "volumes", "ports", "depends_on"),
    *("healthcheck", "restart", "profiles", "user"),
}


def instructions() -> list[tuple[str, str]]:
    """(word, rest) of every instruction of the Dockerfile, continued lines joined."""
    text = (ROOT / "docker" / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def stages() -> dict[str, list[tuple[str, str]]]:
    """{name: instructions} of each stage, those of the stage that it is built on included."""
    found: dict[str, list[tuple[str, str]]] = {}
    for word, rest in instructions():
        if word == "FROM":
            image, _, name = rest.split()
            found[name] = list(found.get(image, []))
        else:
            found[name].append((word, rest))
    return found


def entered(path: str) -> bool:
    """Whether .dockerignore lets a path of the root in."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line]
    answer = True
    for rule in (rule for rule in rules if not rule.startswith("#")):
        if fnmatch(path, rule.lstrip("!")):
            answer = rule.startswith("!")
    return answer


def named_volumes(service: dict) -> list[str]:
    """Those that Docker keeps; the others are folders of the host."""
    return [volume for volume in service.get("volumes", []) if isinstance(volume, str)]


def test_every_base_is_pinned_to_a_full_version():
    images = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    outside = [image for image in images if image not in stages()]
    outside += [own["image"] for own in COMPOSE["services"].values() if "image" in own]
    assert outside
    assert all(re.search(r":\d+\.\d+(\.\d+)?-", image) for image in outside), outside


def test_what_is_copied_is_there_and_enters_the_image():
    lines = [rest for word, rest in instructions() if word == "COPY" and "--from=" not in rest]
    copied = [rest.split()[-2] for rest in lines]
    assert {"Makefile", "requirements", "anomaly", "."} == set(copied)
    for path in set(copied) - {"."}:
        assert (ROOT / path).exists() and entered(path)


def test_all_that_git_has_at_the_top_enters_and_nothing_else():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    top = {name.split("/")[0] for name in listed.stdout.split()}
    assert {name for name in top if not entered(name)} == {"outputs"} & top
    private = (".git", ".venv", ".tools", "datasets", "outputs", ".env", "docker/.env")
    assert not any(map(entered, private))


def test_no_container_runs_as_root():
    for name, own in stages().items():
        users = [rest for word, rest in own if word == "USER"]
        assert users and users[-1] == "anomaly", name
    assert COMPOSE["services"]["database"]["user"] == "postgres"


def test_packages_are_installed_before_the_code_is_copied():
    own = stages()["cpu"]
    assert own.index(("RUN", "make setup")) < own.index(("COPY", "--chown=anomaly . ./"))
    packages, code = (rest for word, rest in stages()["serve"] if word == "COPY")
    assert "--from=serving" in packages and code == "--chown=anomaly anomaly ./anomaly"


def test_compose_says_only_what_the_specification_knows_and_refers_to_what_is_there():
    assert set(COMPOSE) <= {"name", "services", "volumes"}
    for name, own in COMPOSE["services"].items():
        assert set(own) <= KNOWN, name
        assert ("image" in own) != ("build" in own), name
        if "build" in own:
            assert own["build"]["target"] in stages()
            assert (ROOT / "docker" / own["build"]["context"]).resolve() == ROOT
            assert (ROOT / own["build"]["dockerfile"]).is_file()
        for other, wanted in own.get("depends_on", {}).items():
            assert wanted == {"condition": "service_healthy"}
            of_compose = "healthcheck" in COMPOSE["services"][other]
            target = COMPOSE["services"][other].get("build", {}).get("target")
            assert of_compose or "HEALTHCHECK" in dict(stages()[target])
        assert {v.split(":")[0] for v in named_volumes(own)} <= COMPOSE["volumes"].keys()


def test_every_variable_is_explained_and_no_password_is_written():
    text = (ROOT / "docker" / "compose.yaml").read_text()
    head = text.split("name: anomaly")[0]
    variables = set(re.findall(r"\$\{(\w+)", text))
    assert variables == {"POSTGRES_PASSWORD", "DATA"}
    assert all(f"export {name}=" in head for name in variables)
    assert all(":?" in use for use in re.findall(r"PASSWORD: (.*)", text))


def test_the_server_starts_with_options_that_mlflow_knows():
    command = COMPOSE["services"]["mlflow"]["command"]
    help_ = [sys.executable, "-m", "mlflow", "server", "--help"]
    said = subprocess.run(help_, capture_output=True, text=True, check=True).stdout
    assert all(word.split("=")[0] in said for word in command if word.startswith("--"))


def test_the_server_has_the_driver_of_its_database():
    command = COMPOSE["services"]["mlflow"]["command"]
    uri = next(word for word in command if "postgresql" in word).partition("=")[2]
    locked = (ROOT / "requirements" / "server.txt").read_text()
    assert re.search(rf"^{make_url(uri).get_dialect().driver}-binary==", locked, re.MULTILINE)


def test_volumes_cover_folders_that_the_user_of_the_image_made():
    """A new volume gets the owner of the folder that it covers; without one it is root's."""
    for own in (own for own in COMPOSE["services"].values() if "build" in own):
        named = [v.split(":")[1] for v in named_volumes(own)]
        made = " ".join(rest for word, rest in stages()[own["build"]["target"]] if word == "RUN")
        assert all(
            re.search(rf"mkdir [^&]*{re.escape(Path(folder).name)}\b", made) for folder in named
        )


def test_a_folder_of_the_host_is_there_already_and_only_read():
    volumes = [v for own in COMPOSE["services"].values() for v in own.get("volumes", [])]
    (data,) = (volume for volume in volumes if not isinstance(volume, str))
    assert data["type"] == "bind" and data["read_only"]
    assert data["bind"] == {"create_host_path": False}


def test_start_commands_run_what_the_image_has():
    own = json.loads(dict(stages()["mlflow"])["CMD"])
    assert own[0] == ".venv/bin/mlflow" == COMPOSE["services"]["mlflow"]["command"][0]
    assert COMPOSE["services"]["trainer"]["entrypoint"][:2] == [".venv/bin/python", "train.py"]


def test_the_image_that_serves_has_what_it_takes_and_no_tensorflow():
    """Its packages are those of one list, its code is the package alone."""
    own = stages()["serve"]
    assert stages()["serving"][-1] == ("RUN", "make extra EXTRA=serve")
    locked = (ROOT / "requirements" / "serve.txt").read_text()
    names = set(re.findall(r"^([a-z0-9-]+)==", locked, re.MULTILINE))
    assert {"fastapi", "uvicorn", "onnxruntime", "prometheus-client", "scipy"} <= names
    assert not names & {"tensorflow", "keras", "mlflow", "hydra-core", "onnx"}
    assert not any("apt-get" in rest for _, rest in own)
    assert "/health/ready" in dict(own)["HEALTHCHECK"]
    assert f":{dict(own)['EXPOSE']}/" in dict(own)["HEALTHCHECK"]
    assert json.loads(dict(own)["VOLUME"]) == [json.loads(dict(own)["CMD"])[0]]


def test_the_image_that_serves_starts_from_the_package_alone(tmp_path):
    """As far as there is no model at /bundle, and without what its list lacks."""
    own = dict(stages()["serve"])
    python, *words = json.loads(own["ENTRYPOINT"])
    assert (python, words) == (".venv/bin/python", ["-m", "anomaly.cli", "serve"])
    shutil.copytree(ROOT / "anomaly", tmp_path / "anomaly")
    code = f"""
import sys
for name in ("tensorflow", "keras", "mlflow", "hydra", "omegaconf", "pandas", "onnx"): sys.modules[name] = None
from anomaly.cli import main
sys.exit(main({[*words[2:], *json.loads(own["CMD"])]}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: /bundle is no model: there is no such folder")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cpu", "mlflow"])
def test_what_an_image_runs_without_root_runs_in_a_fresh_folder(target, tmp_path):
    """The COPY and RUN lines of a stage, but for those of its base, which are apt-get's."""
    own = stages()[target][len(stages()["base"]) :]
    for word, rest in own:
        if word == "COPY" and rest.split()[-2] != ".":
            source = ROOT / rest.split()[-2]
            into = tmp_path / source.name
            shutil.copytree(source, into) if source.is_dir() else shutil.copy(source, into)
        if word == "RUN":
            done = subprocess.run(["sh", "-c", rest], cwd=tmp_path, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
    said = subprocess.run(
        shlex.split(".venv/bin/python -c 'import mlflow; print(mlflow.__version__)'"),
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
    )
    locked = re.search(r"^mlflow==(\S+)", (ROOT / "requirements" / "base.txt").read_text(), re.M)
    assert said.stdout.strip() == locked[1]
