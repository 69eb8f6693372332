"""What `inspect --ray` refuses; tests/cluster runs it."""

from __future__ import annotations

import sys

import pytest

from anomaly.cli import main


@pytest.mark.parametrize("words, sentence", [
    (["--ray", "2"], "--ray needs Ray: in this project's clone, pip install '.[inspect,ray]'"),
    (["--ray", "2", "--watch"], "--ray is for photos that are there already; leave out --watch"),
])  # fmt: skip
def test_what_cannot_be_is_a_sentence(words, sentence, bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "anomaly.inspector.folder.ray_data", raising=False)
    photos = tmp_path / "photos"
    main(["data", "draw", str(photos), "--images", "1", "--kinds", "good"])
    out = ["--out", str(tmp_path / "out")]
    assert main(["inspect", str(bundle), str(photos), *out, *words]) == 1
    assert sentence in capsys.readouterr().err


def test_a_number_that_is_none_is_refused(bundle, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["inspect", str(bundle), str(tmp_path), "--ray", "0"])
    assert "0 is not a whole number from 1 on" in capsys.readouterr().err
