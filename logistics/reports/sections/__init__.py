"""Sections of a report: one file each, and one line each in the register."""
