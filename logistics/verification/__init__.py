"""The independent check: plans and bounds are judged from the tables alone.

Nothing here knows the compiled arrays, the models or OR-Tools. Tariffs, waits and the legal moves of cargo
are written a second time on purpose.
"""
