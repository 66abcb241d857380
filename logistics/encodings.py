"""Telling people which encoding a file seems to have."""

from __future__ import annotations


def guessed_encoding(data: bytes) -> str:
    """Name the encoding that Chinese office programs write when it is not UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return "unknown encoding"
    return "GBK"
