"""Names of what a study may choose: proposals, their frequencies, and other options."""

from __future__ import annotations

from collections.abc import Mapping

from logistics.reports.blocks import DASH, Words, given, listed, named, say
from logistics.reports.option_facts import LEVEL
from logistics.reports.source import Results


def names_of_options(results: Results) -> Mapping[str, Words]:
    """Names by id: of each option, and of the proposal that it is a frequency of."""
    names: dict[str, Words] = {}
    for network in results.networks.values():
        for row in network.rows("services"):
            if row["status"] == "proposed" and row["pair_id"]:
                names.setdefault(str(row["pair_id"]), named(row, str(row["pair_id"])))
    for option, words in list(names.items()):
        level = LEVEL.search(option)
        if level:
            names.setdefault(option[: level.start()], words)
            names[option] = say("report.portfolio.at_level", name=words, level=level.group(1))
    for row in results.document["study"].get("options") or ():
        name = row.get("name") or {}
        names[row["id"]] = given(name.get("en") or row["id"], name.get("zh"))
    return names


def named_options(ids: str, names: Mapping[str, Words]) -> Words:
    """Options of a list joined by ``;``, by name."""
    kept = [each.strip() for each in ids.split(";") if each.strip()]
    return listed([names.get(each, given(each)) for each in kept]) if kept else DASH
