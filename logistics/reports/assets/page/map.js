// The map: coasts, strands as wide as what they carry, places, names that do not collide.
const WIDTH = 1320;
const HEIGHT = 620;
const LOCAL_FROM = 3;
const FINE_FROM = 2.2;
const WIDEST = 13;
const AREAS = {
  world: null,
  zhejiang: [[118.0, 27.2], [123.2, 31.4]],
  europe: [[-11, 35], [42, 60]],
  north_america: [[-128, 24], [-64, 52]],
  south_east_asia: [[92, -11], [128, 25]],
};
const SHAPES = {
  airport: d3.symbolTriangle, seaport: d3.symbolCircle, rail_terminal: d3.symbolSquare, road_hub: d3.symbolDiamond,
  mail_exchange: d3.symbolStar, express_centre: d3.symbolStar, bonded_zone: d3.symbolWye, consolidation: d3.symbolWye,
  cargo_station: d3.symbolWye, overseas_warehouse: d3.symbolSquare, cluster: d3.symbolCircle, market: d3.symbolCircle,
  passage: d3.symbolDiamond,
};
const SIZES = { cluster: 18, market: 26, passage: 44, consolidation: 26, bonded_zone: 26, cargo_station: 26 };
/** Kinds that the world view shows; the others come with zooming in. */
const COARSE = new Set(["airport", "seaport", "rail_terminal", "passage"]);

const map = { k: 1, tonnes: null, chosen: null };

function drawMap() {
  const canvas = d3.select("#canvas");
  const projection = d3.geoNaturalEarth1().rotate([-150, 0]);
  const seen = { type: "MultiPoint", coordinates: [[-29.9, 0], [-30.1, 0], [150, 77], [150, -47]] };
  projection.fitExtent([[4, 6], [WIDTH - 4, HEIGHT - 6]], seen);
  map.projection = projection;
  map.path = d3.geoPath(projection);
  const svg = canvas.append("svg").attr("viewBox", `0 0 ${WIDTH} ${HEIGHT}`).attr("role", "group").attr("id", "world");
  map.svg = svg;
  map.scene = svg.append("g");
  drawBase();
  map.strands = map.scene.append("g").attr("class", "strands");
  map.hits = map.scene.append("g").attr("class", "hits");
  map.sites = map.scene.append("g").attr("class", "sites");
  map.names = map.scene.append("g").attr("class", "names");
  map.legend = d3.select("#legend").append("svg").attr("class", "legend").attr("aria-hidden", "true");
  map.tip = canvas.append("div").attr("class", "tip").attr("role", "status").property("hidden", true);
  map.zoom = d3.zoom().scaleExtent([1, 60]).translateExtent([[0, 0], [WIDTH, HEIGHT]])
    .on("zoom", (event) => {
      map.scene.attr("transform", event.transform);
      if (map.k !== event.transform.k) { map.k = event.transform.k; sizePlaces(); }
      map.at = event.transform;
    })
    .on("end", () => { showByZoom(); nameSites(); });
  map.at = d3.zoomIdentity;
  svg.call(map.zoom).on("dblclick.zoom", null).on("click", (event) => { if (event.target === svg.node()) choose(null); });
  drawStrands();
  drawSites();
}

function drawBase() {
  if (report.basemap) {
    map.scene.append("g").selectAll("path").data(report.basemap.layers.features ?? [report.basemap.layers])
      .join("path").attr("class", "land").attr("d", map.path);
  } else {
    map.scene.append("path").attr("class", "land").attr("d", map.path(topojson.feature(report.land, report.land.objects.land)));
  }
}

/** Strands as GeoJSON lines; drawn once, then only coloured and sized. */
function drawStrands() {
  const { legs, points, sites, strands } = report.map;
  const bundled = strands.map(([mode, along, mine]) => ({ mode: MODES[mode], local: false, legs: mine, line: lineThrough(along.map((point) => points[point])) }));
  const roads = legs.from.map((from, leg) => ({ mode: "road", local: true, legs: [leg], line: lineThrough([from, legs.to[leg]].map((site) => [sites.lon[site], sites.lat[site]])) }))
    .filter((road) => legs.service[road.legs[0]] < 0);
  const data = [...bundled, ...roads];
  for (const strand of data) strand.d = map.path(strand.line);
  map.data = data.filter((strand) => strand.d);
  map.strands.selectAll("path").data(map.data).join("path").attr("d", (strand) => strand.d);
  map.hits.selectAll("path").data(map.data).join("path").attr("class", "hit").attr("d", (strand) => strand.d)
    .on("pointermove", (event, strand) => tell(event, strandWords(strand)))
    .on("pointerleave", () => map.tip.property("hidden", true))
    .on("click", (event, strand) => choose({ name: strandName(strand), legs: new Set(strand.legs) }));
}

function lineThrough(coordinates) {
  return { type: "LineString", coordinates };
}

/** A word that repeats, of a row. */
const wordOf = (numbered, row) => numbered.words[numbered.of[row]];

function drawSites() {
  const { sites, passages } = report.map;
  const places = sites.id.map((id, row) => ({ place: `site:${id}`, row, kind: wordOf(sites.kind, row), lon: sites.lon[row], lat: sites.lat[row], name: [sites.en[row], sites.zh[row]] }));
  const through = passages.id.map((id, row) => ({ place: `passage:${id}`, row, kind: "passage", lon: passages.lon[row], lat: passages.lat[row], name: [passages.en[row], passages.zh[row]] }));
  map.places = [...places, ...through];
  for (const place of map.places) [place.x, place.y] = map.projection([place.lon, place.lat]);
  map.sites.selectAll("path").data(map.places, (place) => place.place).join("path")
    .attr("class", (place) => `site ${place.kind}`)
    .on("pointermove", (event, place) => tell(event, placeWords(place)))
    .on("pointerleave", () => map.tip.property("hidden", true))
    .on("click", (event, place) => choosePlace(place.place));
}

/** Everything that depends on what was chosen to be seen. */
function refreshMap() {
  const { legs } = report.map;
  map.tonnes = tonnesInView();
  const difference = isDifference();
  const of = (strand) => choice.modes.has(strand.mode) ? d3.sum(strand.legs, (leg) => map.tonnes[leg]) : 0;
  for (const strand of map.data) strand.tonnes = of(strand);
  map.most = d3.max(map.data, (strand) => Math.abs(strand.tonnes)) || 1;
  if (!difference) map.most = Math.max(map.most, map.scale ?? 0);
  if (!difference) map.scale = map.most;
  map.width = d3.scaleSqrt([0, map.most], [0.35, WIDEST]);
  map.strands.selectAll("path")
    .attr("class", (strand) => `strand ${difference ? (strand.tonnes > 0 ? "more" : "less") : strand.mode}${strand.local ? " local" : ""}`)
    .style("stroke-width", (strand) => `${map.width(Math.abs(strand.tonnes))}px`)
    .sort((a, b) => Math.abs(b.tonnes) - Math.abs(a.tonnes));
  map.load = new Map();
  const add = (place, side, amount) => {
    if (!map.load.has(place)) map.load.set(place, { in: 0, out: 0 });
    map.load.get(place)[side] += amount;
  };
  map.tonnes.forEach((amount, leg) => {
    if (!amount || !choice.modes.has(modeOf(leg))) return;
    add(`site:${report.map.sites.id[legs.to[leg]]}`, "in", amount);
    add(`site:${report.map.sites.id[legs.from[leg]]}`, "out", amount);
  });
  report.map.passages.legs.forEach((mine, row) => {
    const amount = d3.sum(mine, (leg) => (choice.modes.has(modeOf(leg)) ? map.tonnes[leg] : 0));
    if (amount) add(`passage:${report.map.passages.id[row]}`, "in", amount);
  });
  map.svg.attr("aria-label", say("report.map.label"));
  showByZoom();
  sizePlaces();
  nameSites();
  drawLegend();
  light();
}

const size = (place) => SIZES[place.kind] ?? 42;

function loadOf(place) {
  const load = map.load.get(place.place);
  return load ? Math.max(Math.abs(load.in), Math.abs(load.out)) : 0;
}

function sizePlaces() {
  const shrink = 1 / map.k ** 2;
  map.sites.selectAll("path")
    .attr("d", (place) => d3.symbol(SHAPES[place.kind] ?? d3.symbolCircle, size(place) * shrink)())
    .attr("transform", (place) => `translate(${place.x},${place.y})`);
}

/** Roads before and behind, and lesser places, come with zooming in. */
function showByZoom() {
  const seen = (strand) => Math.abs(strand.tonnes) > 0.05 && (!strand.local || map.k >= LOCAL_FROM);
  for (const group of [map.strands, map.hits]) group.selectAll("path").style("display", (strand) => (seen(strand) ? null : "none"));
  map.sites.selectAll("path").style("display", (place) => (isSeen(place) ? null : "none"));
}

function isSeen(place) {
  if (map.chosen?.place === place.place) return true;
  return loadOf(place) > 0.05 && (map.k >= FINE_FROM || COARSE.has(place.kind));
}

/** Names of places, largest first, where there is room for them. */
function nameSites() {
  const shown = map.places.filter((place) => isSeen(place) && Number.isFinite(place.x))
    .sort((a, b) => (map.chosen?.place === b.place) - (map.chosen?.place === a.place) || loadOf(b) - loadOf(a));
  const taken = [];
  const kept = [];
  // The largest keep their marks free of other names.
  for (const place of shown.slice(0, 25)) {
    const [x, y] = map.at.apply([place.x, place.y]);
    taken.push([x - 4, y - 4, x + 4, y + 4]);
  }
  for (const place of shown) {
    const [x, y] = map.at.apply([place.x, place.y]);
    if (x < 0 || y < 8 || x > WIDTH || y > HEIGHT - 4) continue;
    const words = shortened(ours(place.name), 18);
    const wide = d3.sum([...words], (letter) => (letter.charCodeAt(0) > 0x2e80 ? 11.3 : 6.1));
    for (const [dx, anchor] of [[7, "start"], [-7, "end"]]) {
      const left = anchor === "start" ? x + dx : x + dx - wide;
      const box = [left - 3, y - 9, left + wide + 3, y + 7];
      if (left < 2 || left + wide > WIDTH - 2 || taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
      taken.push(box);
      kept.push({ place, words, dx, anchor });
      break;
    }
    if (kept.length >= (map.k < FINE_FROM ? 30 : 46)) break;
  }
  map.names.selectAll("text").data(kept, (each) => each.place.place).join("text").attr("class", "name-label")
    .attr("transform", (each) => `translate(${each.place.x},${each.place.y}) scale(${1 / map.k})`)
    .attr("dx", (each) => each.dx).attr("dy", 4).attr("text-anchor", (each) => each.anchor).text((each) => each.words);
}

/** Widths and kinds of places, in a strip below the map. */
function drawLegend() {
  const used = new Set(map.places.filter((place) => loadOf(place) > 0.05).map((place) => place.kind));
  const unit = 10 ** Math.floor(Math.log10(map.most));
  const widths = [unit / 100, unit / 10, unit].filter((amount) => amount >= 1);
  const entries = widths.map((amount) => ({ wide: 58, words: shown(amount, amount < 1e4 ? "tonnes" : "mass"), draw: (at) => at.append("path").attr("class", "strand").attr("d", "M0,-4h44").style("stroke", "var(--soft)").style("stroke-width", `${map.width(amount)}px`) }));
  if (isDifference()) {
    for (const sign of ["more", "less"]) entries.push({ wide: 40, words: say(`report.map.${sign}`), draw: (at) => at.append("path").attr("class", `strand ${sign}`).attr("d", "M0,-4h28").style("stroke-width", "5px") });
  }
  for (const kind of Object.keys(SHAPES).filter((each) => used.has(each))) {
    entries.push({ wide: 18, words: say(`report.kind.${kind}`), draw: (at) => at.append("path").attr("class", `site ${kind}`).attr("transform", "translate(6,-4)").attr("d", d3.symbol(SHAPES[kind], 1.5 * (SIZES[kind] ?? 42))()) });
  }
  map.legend.selectAll("*").remove();
  map.legend.append("text").attr("x", 4).attr("y", 18).style("font-weight", 600).text(say("report.map.width"));
  let [x, y] = [20 + textWidth(say("report.map.width")), 18];
  for (const entry of entries) {
    const wide = entry.wide + textWidth(entry.words) + 22;
    if (x + wide > WIDTH) [x, y] = [4, y + 24];
    const at = map.legend.append("g").attr("transform", `translate(${x},${y})`);
    entry.draw(at);
    at.append("text").attr("x", entry.wide).text(entry.words);
    x += wide;
  }
  map.legend.attr("viewBox", `0 0 ${WIDTH} ${y + 10}`);
}

// --- what a line or a place is, in words -----------------------------------------------------------

const amountWords = (amount) => shown(amount, "tonnes", { signed: isDifference() });

function legName(leg) {
  const { legs, services, sites } = report.map;
  const service = legs.service[leg];
  if (service >= 0) return ours([services.en[service], services.zh[service]]);
  return [legs.from[leg], legs.to[leg]].map((row) => ours([sites.en[row], sites.zh[row]])).join(" – ");
}

function strandName(strand) {
  const carrying = strand.legs.filter((leg) => Math.abs(map.tonnes[leg]) > 0.05);
  return carrying.length === 1 ? legName(carrying[0]) : `${say(`report.mode.${strand.mode}`)} · ${carrying.length} ${say("report.map.services")}`;
}

function strandWords(strand) {
  const largest = [...strand.legs].filter((leg) => Math.abs(map.tonnes[leg]) > 0.05)
    .sort((a, b) => Math.abs(map.tonnes[b]) - Math.abs(map.tonnes[a]));
  return { head: `${say(`report.mode.${strand.mode}`)} · ${amountWords(strand.tonnes)}`, rows: largest.slice(0, 6).map((leg) => [legName(leg), amountWords(map.tonnes[leg])]), rest: largest.length - 6 };
}

function placeWords(place) {
  const load = map.load.get(place.place);
  const rows = !load ? [] : place.kind === "passage"
    ? [[say("report.map.carried"), amountWords(load.in)]]
    : [[say("report.map.in"), amountWords(load.in)], [say("report.map.out"), amountWords(load.out)]];
  return { head: `${ours(place.name)} · ${say(`report.kind.${place.kind}`)}`, rows: rows.length ? rows : [[say("report.map.nothing"), ""]], rest: 0 };
}

function tell(event, words) {
  map.tip.selectAll("*").remove();
  map.tip.append("b").text(words.head);
  map.tip.append("table").append("tbody").selectAll("tr").data(words.rows).join("tr").selectAll("td").data((row) => row).join("td")
    .attr("class", (cell, i) => (i ? "n" : null)).text((cell) => cell);
  if (words.rest > 0) map.tip.append("span").text(`+ ${words.rest}`);
  map.tip.property("hidden", false);
  const frame = document.getElementById("canvas").getBoundingClientRect();
  const box = map.tip.node().getBoundingClientRect();
  const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
  map.tip.style("left", `${Math.max(0, x + 14 + box.width > frame.width ? x - 14 - box.width : x + 14)}px`)
    .style("top", `${Math.max(0, y + 14 + box.height > frame.height ? y - 14 - box.height : y + 14)}px`);
}

// --- what was chosen ---------------------------------------------------------------------------------

/** Legs that belong to a row of a table or a place on the map: `service:…`, `site:…`, `passage:…`, `class:…`. */
function legsOf(place) {
  const [kind, id] = [place.slice(0, place.indexOf(":")), place.slice(place.indexOf(":") + 1)];
  const { legs, sites, services, passages } = report.map;
  if (kind === "passage") return new Set(passages.legs[passages.id.indexOf(id)] ?? []);
  const site = sites.id.indexOf(id);
  const service = services.id.indexOf(id);
  const belongs = {
    service: (leg) => service >= 0 && legs.service[leg] === service,
    site: (leg) => site >= 0 && (legs.from[leg] === site || legs.to[leg] === site),
    class: (leg) => legs.service[leg] >= 0 && wordOf(services.class, legs.service[leg]) === id,
  }[kind];
  return belongs ? new Set([...legs.from.keys()].filter(belongs)) : new Set();
}

function choosePlace(place) {
  const found = map.places.find((each) => each.place === place);
  const named = found ? ours(found.name) : "";
  choose({ place, name: named, legs: legsOf(place) });
}

function choose(chosen) {
  map.chosen = chosen;
  for (const row of document.querySelectorAll("tr[data-place]")) row.classList.toggle("chosen", Boolean(chosen?.place) && row.dataset.place === chosen.place);
  const line = document.getElementById("selection");
  line.hidden = !chosen;
  line.textContent = "";
  if (chosen) {
    line.append(say("report.map.selected", { name: chosen.name || chosen.place.slice(chosen.place.indexOf(":") + 1) }));
    const clear = document.createElement("button");
    clear.type = "button";
    clear.textContent = say("report.map.clear");
    clear.addEventListener("click", () => choose(null));
    line.append(clear);
  }
  showByZoom();
  nameSites();
  light();
}

function light() {
  const { chosen } = map;
  const belongs = (strand) => strand.legs.some((leg) => chosen.legs.has(leg));
  map.strands.selectAll("path").classed("lit", (strand) => Boolean(chosen) && belongs(strand)).classed("faded", (strand) => Boolean(chosen) && !belongs(strand));
  map.sites.selectAll("path").classed("lit", (place) => chosen?.place === place.place);
}

function showArea(name) {
  const area = AREAS[name];
  if (!area) return glide().call(map.zoom.transform, d3.zoomIdentity);
  const corners = [area[0], area[1], [area[0][0], area[1][1]], [area[1][0], area[0][1]]].map(map.projection);
  const [[x0, x1], [y0, y1]] = [d3.extent(corners, (c) => c[0]), d3.extent(corners, (c) => c[1])];
  const k = Math.min(60, 0.95 * Math.min(WIDTH / (x1 - x0), HEIGHT / (y1 - y0)));
  const to = d3.zoomIdentity.translate(WIDTH / 2, HEIGHT / 2).scale(k).translate(-(x0 + x1) / 2, -(y0 + y1) / 2);
  return glide().call(map.zoom.transform, to);
}

/** The map, moving slowly where the reader does not mind. */
function glide(milliseconds = 600) {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? map.svg : map.svg.transition().duration(milliseconds);
}
