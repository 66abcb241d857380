"""Digest of a folder from the digests of its files, which a batch knows without reading them again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def folder_digest(digests: Mapping[str, str]) -> str:
    """Return what :func:`logistics.results.layout.digest_of_files` finds for a folder of such files.

    Parameters
    ----------
    digests
        Digest of each file by its path from the folder, parts joined by ``/``.
    """
    whole = hashlib.blake2b(digest_size=16)
    for name in sorted(digests, key=lambda name: name.split("/")):
        whole.update(name.encode() + b"\0" + digests[name].encode() + b"\0")
    return whole.hexdigest()
