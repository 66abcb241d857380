"""How numbers are shown: factor, unit and decimals, in English and Chinese.

A form is the name of a kind of number. Chinese planners count in 万 and 亿, so the same number may be shown
with another factor in each language.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """How a kind of number is shown in one language.

    Parameters
    ----------
    factor
        What the stored value is multiplied by.
    unit
        Unit after that.
    decimals
        Digits behind the point; -1: three significant digits, in powers of ten where that is shorter; -2: a
        whole number without separators.
    """

    factor: float
    unit: str
    decimals: int

    def shown(self, value: float | None, *, signed: bool = False) -> str:
        """The number without its unit; a dash for None."""
        if value is None or not math.isfinite(value):
            return "–"
        number = value * self.factor
        sign = "+" if signed else ""
        if self.decimals == -2:
            return f"{number:.0f}"
        if self.decimals < 0:
            return f"{number:{sign}.3g}"
        words = f"{number:{sign},.{self.decimals}f}"
        # What rounds to nothing has no sign.
        return words.lstrip("+-") if float(words.replace(",", "")) == 0 else words


def _same(factor: float, en: str, zh: str, decimals: int) -> dict[str, Form]:
    return {"en": Form(factor, en, decimals), "zh": Form(factor, zh, decimals)}


FORMS: dict[str, dict[str, Form]] = {
    "money": {"en": Form(1e-9, "bn CNY", 2), "zh": Form(1e-8, "亿元", 1)},
    "money_small": {"en": Form(1e-6, "m CNY", 2), "zh": Form(1e-4, "万元", 1)},
    "cny": _same(1, "CNY", "元", 0),
    "tonne_hours_all": _same(1, "t h", "吨小时", 0),
    "cny_per_t": _same(1, "CNY/t", "元/吨", 0),
    "mass": {"en": Form(1e-3, "kt", 1), "zh": Form(1e-4, "万吨", 2)},
    "tonnes": _same(1, "t", "吨", 0),
    "cubic_metres": _same(1, "m³", "立方米", 0),
    "tonne_hours": {"en": Form(1e-6, "m t h", 1), "zh": Form(1e-8, "亿吨小时", 3)},
    "co2": {"en": Form(1e-3, "kt", 1), "zh": Form(1e-4, "万吨", 2)},
    "kg": _same(1, "kg", "千克", 0),
    "days": _same(1 / 24, "d", "天", 1),
    "whole_days": _same(1, "d", "天", 0),
    "share": _same(100, "%", "%", 1),
    "points": _same(100, "pp", "个百分点", 1),
    "ratio": _same(1, "", "", 3),
    "count": _same(1, "", "", 0),
    "parcels": {"en": Form(1e-6, "m", 1), "zh": Form(1e-8, "亿件", 2)},
    "teu": {"en": Form(1e-3, "k TEU", 1), "zh": Form(1e-4, "万标箱", 1)},
    "flights": _same(1, "a week", "班/周", 0),
    "departures": _same(1, "a week", "班/周", 1),
    "cny_per_kg": _same(1, "CNY/kg", "元/千克", 2),
    "real_days": _same(1, "d", "天", 1),
    "km": _same(1, "km", "公里", 0),
    "hours": _same(1, "h", "小时", 1),
    "years": _same(1, "years", "年", 1),
    "gap": _same(1, "", "", -1),
    "plain": _same(1, "", "", -1),
    "year": _same(1, "", "", -2),
}
SMALLER = {"money": (1e8, "money_small"), "mass": (1e4, "tonnes"), "co2": (1e4, "tonnes")}
"""Below the value, the other form shows more."""
OBJECTIVES = {"money": "cny", "generalised": "cny", "hours": "tonne_hours_all", "co2": "kg"}
"""Form of an objective's value."""


def fitting(value: float, form: str) -> str:
    """The form that shows something of a value that may be too small for `form`."""
    least, smaller = SMALLER.get(form, (0.0, form))
    return smaller if 0 < abs(value) < least else form


def is_nothing(value: float, form: str) -> bool:
    """Whether a value rounds to 0 in both languages."""
    return all(set(each.shown(value)) <= set("0.,") for each in FORMS[form].values())
