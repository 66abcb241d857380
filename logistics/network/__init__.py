"""Networks: tables, their checks, geometry."""
