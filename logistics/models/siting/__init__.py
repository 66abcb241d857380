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

How to say it, with :class:`~logistics.models.siting.problem.SitingProblem` and
:func:`~logistics.models.siting.solve.solve_siting`:

====================================  =====================================================================
a site that exists and stays          row y_i = 1; its fixed cost is what it costs to run, or 0
one that exists and may close         no row; f_i is what running it costs more than closing it, and may be
                                      negative where closing costs more
one that is not to be had             row y_i = 0, or left out of the arrays
sizes, ownerships, years of opening   a site each; row Σ y_i ≤ 1 over those that exclude each other
one only with another                 row y_a - y_b ≤ 0
number of sites, given or free        `least_open`, `most_open`; of some of them (a region): row
budget of money, of a year            row Σ capex_i y_i ≤ budget
capacity                              `capacity` in units of `demand`; inf: none
hours, ways that do not exist         cost inf
customers that must have a site near  row Σ y_i ≥ 1 over those within reach
a share of orders within some days    :func:`~logistics.models.siting.service_shares.solve_with_shares`
as much as possible within reach      :func:`~logistics.models.siting.coverage.solve_coverage`
the farthest as near as possible      :func:`~logistics.models.siting.centre.solve_centre`
alternatives, second best             row that excludes the set S found: Σ_S y_i - Σ_others y_i ≤ |S| - 1
worth of a site                       the problem with y_i = 1 less the problem with y_i = 0: their values
                                      and bounds give an interval
====================================  =====================================================================
"""
