"""What the sheets of a network's workbook are called, for those who write it and those who read it."""

from __future__ import annotations

from logistics.network.columns import TableSchema
from logistics.network.folder import by_year_schema
from logistics.network.tables import BY_YEAR, TABLES

GUIDE = "read me 说明"
"""The first sheet; it explains the others and is not read."""
TEXT_FILES = ("network.yaml", "README.md")
"""Files of a network folder whose lines stand in a sheet of the file's name, one a row."""
LINE, TEXT = "line", "text"
"""Headers of such a sheet. A long line goes on in the cells to the right."""


def sheet_schemas() -> dict[str, TableSchema]:
    """Return the schema of each table by the name of its sheet; tables by year follow their table."""
    schemas: dict[str, TableSchema] = {}
    for schema in TABLES:
        schemas[schema.name] = schema
        if schema.name in BY_YEAR:
            by_year = by_year_schema(schema.name)
            schemas[by_year.name] = by_year
    return schemas
