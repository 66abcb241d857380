// Everything is here: draw.
if (report.map) drawMap();
setUpControls();
setUpTables();
setUpCharts();
setYear(report.years[report.years.length - 1]);
root.dataset.drawn = "yes";
