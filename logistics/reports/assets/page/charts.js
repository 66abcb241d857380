// Charts draw the table they stand beside; there is no number in them that is not in it.
const CHART_WIDTH = 620;
const PALETTE = ["#0067a8", "#d97706", "#00805e", "#a3468f", "#6f6a5f", "#56a3d9", "#c2410c", "#8a9a2b", "#3c4a7a", "#b58900", "#7aa6a1", "#9b5d73"];

/** Rows of a table as values and words, in the page's language. */
function readTable(id) {
  const table = document.getElementById(id);
  const heads = [...table.tHead.rows[0].cells].map((cell) => ({ words: visible(cell), unit: visible(cell.querySelector("small")), form: cell.dataset.form }));
  const rows = [...table.tBodies[0].rows].map((row) => ({
    place: row.dataset.place,
    row,
    cells: [...row.cells].map((cell, i) => ({ words: visible(cell), value: cell.dataset.v === undefined ? null : Number(cell.dataset.v), form: cell.dataset.form ?? heads[i].form })),
  }));
  return { heads, rows };
}

/** Text of an element, shown or not, without the unit below it. */
function visible(element) {
  const parts = [...(element?.childNodes ?? [])].filter((part) => part.tagName !== "SMALL");
  return parts.map((part) => part.textContent).join("").trim();
}

function newChart(holder, height, label, width = CHART_WIDTH) {
  holder.replaceChildren();
  const svg = d3.select(holder).append("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img").attr("aria-label", label);
  return svg;
}

function setUpCharts() {
  onChange(() => {
    for (const holder of document.querySelectorAll(".chart")) {
      if (holder.closest("[hidden]")) continue;
      const settings = JSON.parse(holder.dataset.settings);
      const table = pickedRows(holder, readTable(holder.dataset.table), settings);
      const label = visible(holder.closest("article").querySelector("h3"));
      const wide = holder.closest(".wide") !== null;
      CHARTS[holder.dataset.kind](holder, table, settings, label, wide ? 2 * CHART_WIDTH : CHART_WIDTH);
    }
  });
}

/** Rows that the reader picked by the words of a column, where a chart draws only some; a list above it offers them. */
function pickedRows(holder, table, { pick }) {
  if (pick === undefined) return table;
  const names = [...new Set(table.rows.map((row) => row.cells[pick].words))];
  let list = holder.previousElementSibling?.querySelector("select");
  if (!list) {
    const control = document.createElement("p");
    control.className = "control pick";
    list = document.createElement("select");
    list.id = `${holder.dataset.table}-pick`;
    const label = document.createElement("label");
    label.htmlFor = list.id;
    control.append(label, list);
    list.addEventListener("change", changed);
    holder.before(control);
  }
  list.previousElementSibling.textContent = say("report.chart.pick");
  const now = Math.max(0, list.selectedIndex);
  fillList(list, names, now);
  return { ...table, rows: table.rows.filter((row) => row.cells[pick].words === names[now]) };
}

/** Show in every chart that draws only some rows those that stand for a place. */
function pickPlace(place) {
  for (const list of document.querySelectorAll(".pick select")) {
    const holder = list.parentElement.nextElementSibling;
    const { pick } = JSON.parse(holder.dataset.settings);
    const row = readTable(holder.dataset.table).rows.find((each) => each.place === place);
    const number = row ? [...list.options].findIndex((option) => option.text === shortened(row.cells[pick].words, 60)) : -1;
    if (number >= 0) list.selectedIndex = number;
  }
  changed();
}

/** A label that fits beside a chart, with a tag behind it: of a route each stop loses its end, else the middle goes. */
function fitted(words, width, tag = "") {
  const room = 6.6 * (width > CHART_WIDTH ? 62 : 40) - textWidth(tag);
  if (textWidth(words) <= room) return words + tag;
  const parts = words.match(/[,，（][^,，（–—]*$|[^–—]+?(?=[,，（][^,，（–—]*$)|[^–—]+[–—]?/g);
  const stops = parts.filter((part) => !/^[,，（]/.test(part));
  if (stops.length < 2) {
    const half = Math.floor((room * words.length) / textWidth(words) / 2);
    return `${[...words].slice(0, half).join("")}…${[...words].slice(-half).join("")}${tag}`;
  }
  let left = room - d3.sum(parts, (part) => (stops.includes(part) ? 0 : textWidth(part)));
  const cut = new Map();
  [...new Set(stops)].sort((a, b) => textWidth(a) - textWidth(b)).forEach((stop, i, all) => {
    cut.set(stop, cutTo(stop, left / (all.length - i)));
    left -= textWidth(cut.get(stop));
  });
  return `${parts.map((part) => cut.get(part) ?? part).join("")}${tag}`;
}

/** The beginning of a stop of a route, as wide as there is room, with the dash behind it. */
function cutTo(stop, room) {
  if (textWidth(stop) <= room) return stop;
  const dash = /[–—]$/.test(stop) ? stop.slice(-1) : "";
  const letters = [...stop.slice(0, stop.length - dash.length)];
  while (letters.length > 1 && textWidth(`${letters.join("")}…${dash}`) > room) letters.pop();
  return `${letters.join("").trimEnd()}…${dash}`;
}

/** Width of a text of 12 px: Chinese characters, and dashes beside them, take a whole square. */
const textWidth = (words) => d3.sum([...words], (letter) => (letter.charCodeAt(0) > 0x2e80 || "—…“”".includes(letter) ? 12.2 : 6.6));

function axis(svg, scale, form, y, ticks = 5, side = d3.axisBottom) {
  const [factor, unit] = report.forms[form][language()];
  const shownScale = scale.copy().domain(scale.domain().map((value) => value * factor));
  // Across, as many as have room side by side.
  const [from, to] = scale.range();
  const fits = (count) => side !== d3.axisBottom || d3.max(shownScale.ticks(count), (tick) => textWidth(shownScale.tickFormat(count)(tick))) * shownScale.ticks(count).length < 0.8 * (to - from);
  while (ticks > 2 && !fits(ticks)) ticks -= 1;
  const group = svg.append("g").attr("class", "axis").attr("transform", y).call(side(shownScale).ticks(ticks).tickSizeOuter(0));
  group.selectAll("text").attr("font-size", null);
  return unit;
}

/** Colour of a mode, by its word. */
function modeColour(words) {
  const mode = MODES.find((each) => say(`report.mode.${each}`) === words);
  return mode ? `var(--${mode})` : "var(--soft)";
}

const CHARTS = {
  /** One bar a row, longest as the table has it. */
  bars(holder, { rows }, { label, value, tag, mode, hatched, most = 14 }, title, width) {
    const mine = rows.filter((row) => row.cells[value].value !== null).slice(0, most);
    if (!mine.length) return;
    const names = mine.map((row) => fitted(row.cells[label].words, width, tag === undefined ? "" : ` · ${row.cells[tag].words}`));
    const left = Math.min(width * 0.45, 14 + d3.max(names, textWidth));
    const high = 23;
    const svg = newChart(holder, mine.length * high + 6, title, width);
    const numbers = mine.map((row) => row.cells[value].words);
    const x = d3.scaleLinear([Math.min(0, d3.min(mine, (row) => row.cells[value].value)), Math.max(0, d3.max(mine, (row) => row.cells[value].value))], [left, width - 12 - d3.max(numbers, textWidth)]);
    const defs = svg.append("defs");
    mine.forEach((row, i) => {
      const amount = row.cells[value].value;
      const colour = mode === undefined ? "var(--accent)" : modeColour(row.cells[mode].words);
      const [from, to] = [x(Math.min(0, amount)), x(Math.max(0, amount))];
      const bar = svg.append("rect").attr("x", from).attr("y", i * high + 4).attr("width", Math.max(1, to - from)).attr("height", high - 8).style("fill", colour);
      if (hatched !== undefined && row.cells[hatched].words === say("term.no")) {
        const id = `${holder.dataset.table}-hatch-${i}`;
        const pattern = defs.append("pattern").attr("id", id).attr("width", 6).attr("height", 6).attr("patternUnits", "userSpaceOnUse").attr("patternTransform", "rotate(45)");
        pattern.append("rect").attr("width", 6).attr("height", 6).style("fill", colour).style("opacity", 0.32);
        pattern.append("rect").attr("width", 2.4).attr("height", 6).style("fill", colour);
        bar.style("fill", `url(#${id})`);
      }
      svg.append("text").attr("x", left - 8).attr("y", i * high + 15).attr("text-anchor", "end").text(names[i]);
      svg.append("text").attr("class", "soft").attr("x", to + 5).attr("y", i * high + 15).text(numbers[i]);
    });
  },

  /** One bar for the whole table, cut by row. */
  stack(holder, { rows, heads }, { label, value, rows: kept }, title, width) {
    const mine = rows.slice(0, kept).filter((row) => row.cells[value].value > 0);
    drawStacks(holder, [{ name: "", parts: mine.map((row, i) => ({ name: row.cells[label].words, value: row.cells[value].value, words: row.cells[value].words, colour: PALETTE[i % PALETTE.length] })) }], heads[value].unit, title, width);
  },

  /** One bar a group, cut by mode. */
  stacks(holder, { rows, heads }, { group, mode, value }, title, width) {
    const groups = d3.groups(rows, (row) => row.cells[group].words).map(([name, mine]) => ({
      name,
      parts: d3.rollups(mine, (some) => d3.sum(some, (row) => row.cells[value].value), (row) => row.cells[mode].words).map(([words, amount]) => ({
        name: words, value: amount, words: shown(amount, mine[0].cells[value].form, { unit: false }), colour: modeColour(words),
      })),
    }));
    drawStacks(holder, groups, heads[value].unit, title, width);
  },

  /** From low to high, with a mark in the middle. */
  ranges(holder, { rows }, { label, mean, low, middle, high }, title, width) {
    const left = 14 + d3.max(rows, (row) => textWidth(row.cells[label].words));
    const step = 26;
    const svg = newChart(holder, rows.length * step + 38, title, width);
    const x = d3.scaleLinear([0, d3.max(rows, (row) => row.cells[high].value)], [left, width - 20]).nice();
    const bottom = rows.length * step + 4;
    for (const tick of x.ticks(6)) svg.append("path").attr("class", "grid").attr("d", `M${x(tick)},0V${bottom}`);
    const unit = axis(svg, x, rows[0].cells[high].form, `translate(0,${bottom})`, 6);
    svg.append("text").attr("class", "soft").attr("x", width - 20).attr("y", bottom + 33).attr("text-anchor", "end").text(`P10 – P50 – P90, ${unit}`);
    rows.forEach((row, i) => {
      const y = i * step + 15;
      const at = (column) => x(row.cells[column].value);
      svg.append("text").attr("x", left - 8).attr("y", y + 4).attr("text-anchor", "end").text(row.cells[label].words);
      svg.append("path").attr("d", `M${at(low)},${y}H${at(high)}`).style("stroke", "var(--accent)").style("stroke-width", "5px").style("opacity", 0.4);
      svg.append("circle").attr("cx", at(middle)).attr("cy", y).attr("r", 5.5).style("fill", "var(--accent)");
      svg.append("path").attr("d", `M${at(mean)},${y - 7}v14`).style("stroke", "var(--ink)").style("stroke-width", "1.5px");
    });
  },

  /** The band of each figure, scaled to the same width, with what was found in it. */
  bands(holder, { rows }, { label, value, observed, low, high }, title, width) {
    const left = Math.min(width * 0.42, 14 + d3.max(rows, (row) => textWidth(shortened(row.cells[label].words, 48))));
    const step = 24;
    const svg = newChart(holder, rows.length * step + 24, title, width);
    const x = d3.scaleLinear([-0.55, 1.55], [left + 8, width - 150]).clamp(true);
    rows.forEach((row, i) => {
      const y = i * step + 13;
      const [from, to] = [row.cells[low].value, row.cells[high].value];
      const at = (amount) => x(to > from ? (amount - from) / (to - from) : 0.5);
      const inside = row.cells[value].value >= from && row.cells[value].value <= to;
      svg.append("text").attr("x", left - 4).attr("y", y + 4).attr("text-anchor", "end").text(shortened(row.cells[label].words, 48));
      svg.append("rect").attr("x", x(0)).attr("y", y - 7).attr("width", x(1) - x(0)).attr("height", 14).attr("rx", 3).style("fill", "#cfe3f3");
      if (row.cells[observed].value !== null) svg.append("path").attr("d", `M${at(row.cells[observed].value)},${y - 9}v18`).style("stroke", "var(--ink)").style("stroke-width", "2px");
      svg.append("path").attr("d", d3.symbol(inside ? d3.symbolCircle : d3.symbolDiamond, 80)()).attr("transform", `translate(${at(row.cells[value].value)},${y})`).style("fill", inside ? "var(--accent)" : "var(--bad)").style("stroke", "#fff");
      svg.append("text").attr("class", "soft").attr("x", width - 140).attr("y", y + 4).text(`${row.cells[value].words} / ${row.cells[observed].words}`);
    });
    const y = rows.length * step + 14;
    svg.append("circle").attr("cx", left + 14).attr("cy", y - 4).attr("r", 5).style("fill", "var(--accent)");
    svg.append("text").attr("x", left + 24).attr("y", y).text(say("term.modelled"));
    const next = left + 44 + textWidth(say("term.modelled"));
    svg.append("path").attr("d", `M${next},${y - 11}v14`).style("stroke", "var(--ink)").style("stroke-width", "2px");
    svg.append("text").attr("x", next + 8).attr("y", y).text(say("term.observed"));
    svg.append("text").attr("class", "soft").attr("x", width - 140).attr("y", y).text(`${say("term.modelled")} / ${say("term.observed")}`);
    const last = next + 28 + textWidth(say("term.observed"));
    svg.append("rect").attr("x", last).attr("y", y - 10).attr("width", 18).attr("height", 12).style("fill", "#cfe3f3");
    svg.append("text").attr("x", last + 24).attr("y", y).text(say("term.band"));
  },

  /** Shares over a row of thresholds. */
  curves(holder, { rows, heads }, { x: along, lines }, title, width) {
    const [high, left, right] = [270, 44, 130];
    const svg = newChart(holder, high, title, width);
    const days = rows.map((row) => row.cells[along].value);
    const x = d3.scaleLog([d3.min(days), d3.max(days)], [left, width - right]);
    const y = d3.scaleLinear([0, 1], [high - 34, 12]);
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
      svg.append("path").attr("class", "grid").attr("d", `M${left},${y(tick)}H${width - right}`);
      svg.append("text").attr("class", "soft").attr("x", left - 6).attr("y", y(tick) + 4).attr("text-anchor", "end").text(`${100 * tick} %`);
    }
    for (const day of days) svg.append("text").attr("class", "soft").attr("x", x(day)).attr("y", high - 16).attr("text-anchor", "middle").text(day);
    svg.append("text").attr("class", "soft").attr("x", width - right + 12).attr("y", high - 16).text(heads[along].unit);
    const ends = lines.map((column, i) => ({ column, colour: PALETTE[i], words: heads[column].words, at: y(rows[rows.length - 1].cells[column].value) }));
    for (const each of ends) {
      const line = d3.line(([day]) => x(day), ([, share]) => y(share));
      svg.append("path").attr("d", line(rows.map((row) => [row.cells[along].value, row.cells[each.column].value]))).style("fill", "none").style("stroke", each.colour).style("stroke-width", "2.4px");
      svg.append("g").selectAll("circle").data(rows).join("circle").attr("cx", (row) => x(row.cells[along].value)).attr("cy", (row) => y(row.cells[each.column].value)).attr("r", 2.6).style("fill", each.colour);
    }
    spread(ends, 15, high - 40);
    for (const each of ends) svg.append("text").attr("x", width - right + 10).attr("y", each.at + 4).style("fill", each.colour).text(each.words);
  },

  /** Cells shaded by their share, or relative to the largest. */
  heat(holder, { rows }, { from, relative }) {
    const shade = d3.interpolateRgb("#ffffff", relative ? "#f0a878" : "#8fbfe3");
    const most = relative ? d3.max(rows, (row) => d3.max(row.cells.slice(from), (cell) => cell.value)) || 1 : 1;
    for (const row of rows) row.cells.forEach((cell, i) => { if (i >= from && cell.value !== null) row.row.cells[i].style.backgroundColor = shade(Math.min(1, cell.value / most)); });
    holder.remove();
  },

  /** One whole bar a row, cut into shares. */
  shares(holder, { rows, heads }, { label, from }, title, width) {
    const colours = ["#00805e", "#56a3d9", "#d97706"];
    const groups = rows.map((row) => ({
      name: row.cells[label].words,
      parts: row.cells.slice(from).map((cell, i) => ({ name: heads[from + i].words, value: cell.value, words: cell.words, colour: colours[i] })),
    }));
    drawStacks(holder, groups, "%", title, width);
  },

  /** Points of a frontier; choosing one shows its plan on the map. */
  frontier(holder, { rows, heads }, { label, kind, x: across, y: up }, title, width) {
    const [high, left, right, bottom] = [340, 78, 40, 52];
    const svg = newChart(holder, high, title, width);
    const padded = (column) => { const [a, b] = d3.extent(rows, (row) => row.cells[column].value); const pad = (b - a || Math.abs(b) || 1) * 0.08; return [a - pad, b + pad]; };
    const x = d3.scaleLinear(padded(across), [left, width - right]);
    const y = d3.scaleLinear(padded(up), [high - bottom, 16]);
    const unitX = axis(svg, x, rows[0].cells[across].form, `translate(0,${high - bottom})`, 8);
    const unitY = axis(svg, y, rows[0].cells[up].form, `translate(${left},0)`, 6, d3.axisLeft);
    svg.append("text").attr("x", (left + width - right) / 2).attr("y", high - 10).attr("text-anchor", "middle").text(`${heads[across].words} (${unitX})`);
    svg.append("text").attr("transform", `translate(16,${(high - bottom) / 2}) rotate(-90)`).attr("text-anchor", "middle").text(`${heads[up].words} (${unitY})`);
    const on = rows.filter((row) => row.cells[label].value > 0);
    svg.append("path").attr("d", d3.line((row) => x(row.cells[across].value), (row) => y(row.cells[up].value))(on)).style("fill", "none").style("stroke", "var(--accent)").style("stroke-width", "2px");
    for (const row of rows) {
      const base = row.cells[label].value === 0;
      const [cx, cy] = [x(row.cells[across].value), y(row.cells[up].value)];
      svg.append("path").attr("class", "point").attr("data-place", row.place).attr("transform", `translate(${cx},${cy})`)
        .attr("d", d3.symbol(base ? d3.symbolDiamond : d3.symbolCircle, 150)()).style("fill", base ? "var(--air)" : "var(--accent)").on("click", () => goTo(row.row));
      svg.append("text").attr("class", "halo").attr("x", cx + 12).attr("y", cy - 8).text(base ? row.cells[kind].words : row.cells[label].words);
    }
  },
};

/** Stacked bars with a legend; parts too narrow for their number go without. Bars are whole, or to scale with each other. */
function drawStacks(holder, groups, unit, title, width, toScale = false) {
  const left = groups.length > 1 || groups[0]?.name ? 14 + d3.max(groups, (group) => textWidth(group.name)) : 4;
  const parts = [...new Map(groups.flatMap((group) => group.parts).map((part) => [part.name, part])).values()];
  const places = [];
  let [across, line] = [4, 0];
  for (const part of parts) {
    const wide = 26 + textWidth(part.name);
    if (across + wide > width && across > 4) { across = 4; line += 1; }
    places.push([across, line]);
    across += wide;
  }
  const high = 34;
  const svg = newChart(holder, groups.length * high + 10 + (line + 1) * 19, title, width);
  const most = d3.max(groups, (group) => d3.sum(group.parts, (part) => part.value));
  groups.forEach((group, i) => {
    const whole = d3.sum(group.parts, (part) => part.value);
    const x = d3.scaleLinear([0, groups.length > 1 && unit !== "%" && !toScale ? whole : most], [0, width - left - 4]);
    let from = left;
    svg.append("text").attr("x", left - 8).attr("y", i * high + 20).attr("text-anchor", "end").text(group.name);
    for (const part of group.parts) {
      const wide = x(part.value);
      svg.append("rect").attr("x", from).attr("y", i * high + 4).attr("width", Math.max(0, wide - 1)).attr("height", high - 9).style("fill", part.colour);
      if (wide > textWidth(part.words) + 8) svg.append("text").attr("x", from + wide / 2).attr("y", i * high + 20.5).attr("text-anchor", "middle").style("fill", "#fff").style("font-weight", 600).text(part.words);
      from += wide;
    }
  });
  parts.forEach((part, i) => {
    const [x, y] = [places[i][0], groups.length * high + 20 + places[i][1] * 19];
    svg.append("rect").attr("x", x).attr("y", y - 10).attr("width", 12).attr("height", 12).style("fill", part.colour);
    svg.append("text").attr("x", x + 17).attr("y", y).text(part.name);
  });
}

/** Move labels apart that would overlap. */
function spread(labels, apart, lowest) {
  labels.sort((a, b) => a.at - b.at);
  labels.forEach((label, i) => { if (i) label.at = Math.max(label.at, labels[i - 1].at + apart); });
  const over = labels.length ? labels[labels.length - 1].at - lowest : 0;
  if (over > 0) for (let i = labels.length - 1; i >= 0; i -= 1) labels[i].at = Math.min(labels[i].at, (i + 1 < labels.length ? labels[i + 1].at : lowest + apart) - apart);
}
