"""Which sites to open, and who is served from where: arrays in, arrays out.

Data: sites i with a fixed cost f_i and a capacity u_i; customers j with a demand d_j; the cost c_ij of
serving the whole demand of j from i, inf where that is not allowed.
Decisions: y_i ∈ {0, 1}, site i is open; x_ij ≥ 0, share of customer j that site i serves.
Model:

    min  Σ f_i y_i + Σ c_ij x_ij
    (1)  Σ_i x_ij = 1                         for every customer j
    (2)  x_ij ≤ y_i                           for every i, j
    (3)  Σ_j d_j x_ij ≤ u_i y_i               for every site i with a capacity
    (4)  x_ij ∈ {0, 1}                        where customers are served from one site each
    (5)  least open ≤ Σ_i y_i ≤ most open
    (6)  lower ≤ A·y ≤ upper                  side rows: budgets, counts by region, exclusive options, …

Without (3) every customer is served by the cheapest open site. The p-median has f = 0 and as many open as (5)
says; the uncapacitated problem has no (5).
"""
