"""Which way does all cargo go: a path linear program solved by column generation.

Data: commodities k with demand d_k; paths p in P(k) with cost c_p; shared capacities C_r and what a tonne
on path p draws of them, a_rp.
Decisions: x_p ≥ 0 tonnes on path p, u_k ≥ 0 tonnes of k not served.
Model:

    min  Σ c_p x_p
    (1)  Σ_{p∈P(k)} x_p + u_k = d_k          for every k
    (2)  Σ_p a_rp x_p ≤ C_r                  for every r
    (3)  Σ_k u_k ≤ U*                        U* the least unserved tonnes, or u priced in the objective

c_p is additive over arcs except for the safety stock of stocked cargo, κ·sqrt(w_p) with w_p additive
(w = lead hours × cv² + variance; κ = z × holding cost per tonne and hour).
"""
