"""Logistics network optimisation: scenario files in, proven and independently checked plans out."""

from __future__ import annotations
