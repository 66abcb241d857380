"""Benchmarks: what is said about speed is measured here, never in tests."""
