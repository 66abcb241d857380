"""The virtual network: a case of one year compiled to arrays (Jourquin & Beuthe 1996).

A vertex is a site in one state of the cargo, an arc is something that happens to it. See
:mod:`logistics.virtual_network.instance` for the arrays and ``docs/mathematics.md`` for the rules.
"""
