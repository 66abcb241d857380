"""Siting of warehouses on a real network: siting arrays at prices of shared capacities, flows for every plan."""
