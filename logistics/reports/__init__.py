"""What planners hand out: page, workbook, GIS layers, figures; made from a results folder only."""
