"""Which options to open so that all cargo goes and options together cost least: network design with proof.

Data: options j with the cost f_j of opening them; for each year t its flow problem (layers, commodities,
capacities, limits) and the weight w_t of its objective; capacities that are there only with an option, and
capacities that an option adds to.
Decisions: y_j, open or not; x_p ≥ 0 tonnes on path p of a year, u_k ≥ 0 tonnes not served.
Model:

    min  Σ_j f_j y_j + Σ_t w_t (Σ c_p x_p + Σ price_k u_k)
    (1)  Σ_{p∈P(k)} x_p + u_k = d_k                    for every commodity k of every year
    (2)  Σ_p a_rp x_p ≤ C_r                            for every capacity r without an option
    (3)  Σ_p a_rp x_p ≤ C_r y_j                        where r is there only with option j
    (4)  Σ_p a_rp x_p ≤ C_r + Σ_j e_rj y_j             where options add e_rj to r
    (5)  Σ_{k∈g} Σ_{p∈P(k), p meets s} x_p ≤ D_gs y_j    strong links: group g of commodities, cut s of arcs
    (6)  limits on each year's plan, as in :mod:`logistics.models.flow`
    (7)  lower ≤ A y ≤ upper                           budgets, counts, exclusions, order of years, …
    (8)  y_j ∈ {0, 1}

(5) follows from (1) and (3) for whole y, and is what makes the relaxation tight. A group shares layer and
product, in layers without stock also the origin; a cut is a set of arcs of which no path takes two.
"""
