"""The address of a SQLite file, and the file of an address."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

# SQLAlchemy cuts a path at ? and decodes %; a browser cuts at #, Optuna fills in what is in {}.
QUOTED = {ord(character): f"%{ord(character):02X}" for character in "%?#{}"}


def sqlite_address(file: Path) -> str:
    """An address that SQLAlchemy 2.1 reads as exactly this file, whatever characters it holds."""
    path = str(file).translate(QUOTED)
    # With plain sqlite:/// MLflow makes a second folder, which is named as the quoted path.
    scheme = "sqlite" if path == str(file) else "sqlite+pysqlite"
    return f"{scheme}:///{path}"


def sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite store; None for any other."""
    scheme, _, path = uri.partition(":///")
    return Path(unquote(path.partition("?")[0])) if scheme.startswith("sqlite") and path else None
