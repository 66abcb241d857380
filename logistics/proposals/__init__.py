"""Proposed routes: what they are, where they come from, and how they enter a network."""
