"""Source code as a name."""

from __future__ import annotations

from anomaly.cache import code


def test_any_change_of_a_file_changes_it_and_other_files_do_not(tmp_path, monkeypatch):
    monkeypatch.setattr(code, "HERE", tmp_path)
    digest = code.digest.__wrapped__  # what it remembers is of a process's own code
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "read.py").write_text("a = 1\n")
    (tmp_path / "model.py").write_text("b = 1\n")
    first = digest("data", "model.py")
    (tmp_path / "other.py").write_text("c = 1\n")
    assert digest("data", "model.py") == first != digest("data")
    (tmp_path / "data" / "read.py").write_text("a = 2\n")
    assert digest("data", "model.py") != first
