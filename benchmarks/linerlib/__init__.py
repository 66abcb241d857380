"""LINERLIB: published liner networks, priced by the benchmark's cost model, flows by the engine's own model.

Source: Brouer, Alvarez, Plum, Pisinger, Sigurd, "A base integer programming model and benchmark suite for
liner-shipping network design", Transportation Science 48 (2014) 281-312; rotations: Brouer, Desaulniers,
Pisinger, "A matheuristic for the liner shipping network design problem", TR-E 72 (2014) 42-59.
"""
