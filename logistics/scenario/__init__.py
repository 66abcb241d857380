"""Scenarios: files, changes, and the cases they make."""
