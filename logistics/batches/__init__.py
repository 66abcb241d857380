"""Batches: many runs of many scenarios, on the cores of one machine or on a cluster, none done twice."""
