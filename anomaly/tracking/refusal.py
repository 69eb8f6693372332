"""The sentence for a tracking store that cannot be used."""

from __future__ import annotations

import re

from anomaly.tracking.address import sqlite_file

CAUSE = re.compile(  # what matters in a chain of exceptions that quote each other
    r"Connection refused|Name or service not known|[Tt]imed out|database or disk is full"
    r"|No route to host|unable to open database file|readonly database"
)


def refusal(uri: str, error: Exception) -> str:
    """Why the store at `uri` cannot be used, and what to do about it."""
    why = reason(error)
    advice = "correct tracking.uri, or leave it out to record in the output folder"
    if uri.startswith("http"):
        advice = "start the server, " + advice
    elif "not a database" in why or "malformed" in why:
        advice = f"it is damaged: move {sqlite_file(uri)} away, and the next run makes a new one"
    elif "disk is full" in why or "No space left" in why:
        advice = "free some space, or set output=DIR to another disk"
    return f"cannot use the tracking store {uri}: {why}; {advice}"


def reason(error: Exception) -> str:
    """MLflow's message, short enough for one sentence: the cause, or else its first line."""
    text = str(error).strip() or type(error).__name__
    cause = CAUSE.search(text)
    return cause[0] if cause else text.splitlines()[0][:300]
