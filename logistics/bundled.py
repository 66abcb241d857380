"""Where the networks and scenarios that come with the engine lie."""

from __future__ import annotations

from pathlib import Path


def bundled_folder() -> Path:
    """Folder that holds ``networks/`` and ``scenarios/``.

    The checkout's root when pyproject.toml stands beside the package (an editable install's own copy may be
    old), else the copy inside the installed package.
    """
    package = Path(__file__).resolve().parent
    if (package.parent / "pyproject.toml").is_file():
        return package.parent
    return package / "_bundled"
