"""Units of the engine and the few constants that turn one into another."""

from __future__ import annotations

HOURS_PER_YEAR = 8760.0
HOURS_PER_WEEK = 168.0
WEEKS_PER_YEAR = 365.0 / 7.0
HOURS_PER_DAY = 24.0
KG_PER_T = 1000.0
G_PER_KG = 1000.0
TEU_PER_FEU = 2.0
EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""
