"""Siting of warehouses on real networks: Lagrangian bounds at prices, and flows for every plan."""
