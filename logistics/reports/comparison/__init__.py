"""Sections of a comparison of several results: what differs, first in the inputs."""
