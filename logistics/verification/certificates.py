"""Certificates as they stand in a table of duals."""

from __future__ import annotations

import math

import pyarrow as pa

from logistics.verification.bound import Certificate

DUALS = pa.schema(
    [
        ("year", pa.int32()),
        ("certificate", pa.string()),
        ("kind", pa.string()),
        ("id", pa.string()),
        ("unit", pa.string()),
        ("price", pa.float64()),
    ]
)
"""Prices of shared capacities and limits by certificate: ``objective``, ``least_unserved``, ``conflict``,
which proves that limits cannot hold together, and ``members``, which proves it of those alone that it has a
price for. Rows of kind ``setting`` hold the certificate's ``unserved`` price, ``path_scale`` and
``allowed_t``."""


def certificates_of(duals: pa.Table) -> dict[str, Certificate]:
    """Certificates of one year from the table of duals."""
    found: dict[str, Certificate] = {}
    rows = duals.to_pylist()
    for name in dict.fromkeys(row["certificate"] for row in rows):
        mine = [row for row in rows if row["certificate"] == name]
        # A setting that is missing makes the certificate unfit, which the check says.
        settings = dict.fromkeys(("unserved", "path_scale", "allowed_t"), math.nan)
        settings |= {
            row["id"]: row["price"] for row in mine if row["kind"] == "setting" and row["id"] in settings
        }
        prices = {(r["kind"], r["id"], r["unit"]): r["price"] for r in mine if r["kind"] != "setting"}
        found[name] = Certificate(prices, settings["unserved"], settings["path_scale"], settings["allowed_t"])
    return found
