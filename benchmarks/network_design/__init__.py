"""Multicommodity capacitated fixed-charge network design: the Canad instances, by the engine's own model.

Source: Crainic, Frangioni, Gendron, "Bundle-based relaxation methods for multicommodity capacitated fixed
charge network design", Discrete Applied Mathematics 112 (2001) 73-99.
"""
