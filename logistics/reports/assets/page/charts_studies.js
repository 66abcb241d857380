// Charts of routes and portfolios; like the others they draw the table they stand beside.
const [LOW_END, HIGH_END, LOSS, UNSURE] = ["#56a3d9", "#d97706", "#c2410c", "#8a94a0"];

/** A vertical line at 0 where the scale holds it. */
function zeroLine(svg, x, bottom) {
  const [a, b] = x.domain();
  if (a <= 0 && b >= 0) svg.append("path").attr("d", `M${x(0)},0V${bottom}`).style("stroke", "var(--ink)").style("stroke-width", "1px");
}

function legendOf(svg, entries, x, y) {
  for (const [words, colour] of entries) {
    svg.append("rect").attr("x", x).attr("y", y - 10).attr("width", 12).attr("height", 12).style("fill", colour);
    svg.append("text").attr("x", x + 17).attr("y", y).text(words);
    x += 34 + textWidth(words);
  }
}

Object.assign(CHARTS, {
  /** Swings around the value in use, widest first, with the inputs at both ends. */
  tornado(holder, { rows, heads }, { label, ends, low, used, high }, title, width) {
    const left = 14 + d3.max(rows, (row) => textWidth(row.cells[label].words));
    const step = 28;
    const bottom = rows.length * step + 4;
    const svg = newChart(holder, bottom + 58, title, width);
    const values = rows.flatMap((row) => [low, used, high].map((column) => row.cells[column].value));
    const [a, b] = d3.extent(values);
    const pad = (b - a || Math.abs(b) || 1) * 0.14;
    const x = d3.scaleLinear([a - pad, b + pad], [left, width - 26]);
    for (const tick of x.ticks(5)) svg.append("path").attr("class", "grid").attr("d", `M${x(tick)},0V${bottom}`);
    zeroLine(svg, x, bottom);
    rows.forEach((row, i) => {
      const y = i * step + 4;
      const at = (column) => x(row.cells[column].value);
      svg.append("text").attr("x", left - 8).attr("y", y + 15).attr("text-anchor", "end").text(row.cells[label].words);
      const outer = d3.extent([at(low), at(used), at(high)]);
      for (const [column, colour, input] of [[low, LOW_END, ends[0]], [high, HIGH_END, ends[1]]]) {
        const [from, to] = d3.extent([at(used), at(column)]);
        svg.append("rect").attr("x", from).attr("y", y).attr("width", Math.max(1, to - from)).attr("height", step - 9).style("fill", colour);
        const right = at(column) > at(used) || (at(column) === at(used) && column === high);
        svg.append("text").attr("class", "soft").attr("x", right ? outer[1] + 4 : outer[0] - 4).attr("y", y + 14)
          .attr("text-anchor", right ? "start" : "end").text(at(column) === at(used) ? "" : row.cells[input].words);
      }
    });
    const unit = axis(svg, x, rows[0].cells[used].form, `translate(0,${bottom})`, 5);
    legendOf(svg, [[heads[low].words, LOW_END], [heads[high].words, HIGH_END]], left, bottom + 50);
    svg.append("text").attr("class", "soft").attr("x", width - 10).attr("y", bottom + 36).attr("text-anchor", "end").text(unit);
  },

  /** What has been spent and how long it has taken, by distance: one line a way, cost at the left, time at the right. */
  corridor(holder, { rows, heads }, { line, x: along, cost, hours }, title, width) {
    const [high, left, gap, bottom] = [300, 66, 92, 66];
    const svg = newChart(holder, high, title, width);
    const lines = d3.groups(rows, (row) => row.cells[line].words);
    const panel = (width - left - gap - 26) / 2;
    [cost, hours].forEach((column, side) => {
      const from = left + side * (panel + gap);
      const x = d3.scaleLinear([0, d3.max(rows, (row) => row.cells[along].value) || 1], [from, from + panel]).nice();
      const y = d3.scaleLinear([0, d3.max(rows, (row) => row.cells[column].value) || 1], [high - bottom, 14]).nice();
      for (const tick of y.ticks(5)) svg.append("path").attr("class", "grid").attr("d", `M${from},${y(tick)}h${panel}`);
      const unitX = axis(svg, x, rows[0].cells[along].form, `translate(0,${high - bottom})`, 5);
      const unitY = axis(svg, y, rows[0].cells[column].form, `translate(${from},0)`, 5, d3.axisLeft);
      svg.append("text").attr("x", from + panel).attr("y", high - bottom + 34).attr("text-anchor", "end").text(`${heads[along].words} (${unitX})`);
      svg.append("text").attr("transform", `translate(${from - 54},${(high - bottom) / 2}) rotate(-90)`).attr("text-anchor", "middle").text(`${heads[column].words} (${unitY})`);
      lines.forEach(([, mine], i) => {
        const points = [[0, 0], ...mine.map((row) => [row.cells[along].value, row.cells[column].value])];
        svg.append("path").attr("d", d3.line((point) => x(point[0]), (point) => y(point[1]))(points)).style("fill", "none")
          .style("stroke", PALETTE[i]).style("stroke-width", "2.4px").style("stroke-dasharray", i ? "7 4" : null);
        svg.append("g").selectAll("circle").data(points).join("circle").attr("cx", (point) => x(point[0])).attr("cy", (point) => y(point[1])).attr("r", 2.8).style("fill", PALETTE[i]);
      });
    });
    legendOf(svg, lines.map(([words], i) => [words, PALETTE[i]]), left, high - 8);
  },

  /** From the lower to the upper end of what is known; an end that is not known is open. */
  intervals(holder, { rows }, { label, low, high, most = 20 }, title, width) {
    const mine = rows.filter((row) => row.cells[low].value !== null || row.cells[high].value !== null).slice(0, most);
    if (!mine.length) return holder.replaceChildren();
    const names = mine.map((row) => fitted(row.cells[label].words, width));
    const left = 14 + d3.max(names, textWidth);
    const step = 24;
    const bottom = mine.length * step + 4;
    const svg = newChart(holder, bottom + 38, title, width);
    const [a, b] = d3.extent([0, ...mine.flatMap((row) => [low, high].map((column) => row.cells[column].value)).filter((value) => value !== null)]);
    // What rounds to nothing in the table is nothing here.
    const [factor, , decimals] = report.forms[mine[0].cells[high].form][language()];
    const pad = Math.max((b - a) * 0.06, 10 ** -decimals / factor);
    const x = d3.scaleLinear([a - pad, b + pad], [left, width - 24]);
    for (const tick of x.ticks(5)) svg.append("path").attr("class", "grid").attr("d", `M${x(tick)},0V${bottom}`);
    zeroLine(svg, x, bottom);
    mine.forEach((row, i) => {
      const y = i * step + 14;
      const [least, greatest] = [row.cells[low].value, row.cells[high].value];
      const colour = least !== null && least > 0 ? "var(--accent)" : greatest !== null && greatest < 0 ? LOSS : UNSURE;
      const open = least === null || greatest === null;
      const [from, to] = [least === null ? left : x(least), greatest === null ? width - 24 : x(greatest)];
      svg.append("text").attr("x", left - 8).attr("y", y + 4).attr("text-anchor", "end").text(names[i]);
      svg.append("path").attr("d", `M${from},${y}H${to}`).style("stroke", colour).style("stroke-width", "5px").style("stroke-dasharray", open ? "4 4" : null);
      for (const [value, end] of [[least, from], [greatest, to]]) {
        if (value !== null) svg.append("path").attr("d", `M${end},${y - 7}v14`).style("stroke", colour).style("stroke-width", "2.5px");
      }
    });
    const unit = axis(svg, x, mine[0].cells[high].form, `translate(0,${bottom})`, 5);
    svg.append("text").attr("class", "soft").attr("x", width - 14).attr("y", bottom + 34).attr("text-anchor", "end").text(unit);
    return undefined;
  },

  /** Two bars a row, before and after; what changes most, first. */
  pairs(holder, { rows: all, heads }, { label, tag, before, after, most }, title, width) {
    const change = (row) => Math.abs(row.cells[after].value - row.cells[before].value);
    const rows = [...all].sort((a, b) => change(b) - change(a)).slice(0, most);
    const names = rows.map((row) => fitted(row.cells[label].words, width, tag === undefined ? "" : ` · ${row.cells[tag].words}`));
    const left = Math.min(width * 0.45, 14 + d3.max(names, textWidth));
    const step = 34;
    const svg = newChart(holder, rows.length * step + 28, title, width);
    const x = d3.scaleLinear([0, d3.max(rows, (row) => Math.max(row.cells[before].value, row.cells[after].value)) || 1], [left, width - 70]);
    rows.forEach((row, i) => {
      svg.append("text").attr("x", left - 8).attr("y", i * step + 20).attr("text-anchor", "end").text(names[i]);
      [[before, UNSURE, 3], [after, "var(--accent)", 17]].forEach(([column, colour, down]) => {
        const to = x(row.cells[column].value);
        svg.append("rect").attr("x", left).attr("y", i * step + down).attr("width", Math.max(1, to - left)).attr("height", 12).style("fill", colour);
        svg.append("text").attr("class", "soft").attr("x", to + 5).attr("y", i * step + down + 10).text(row.cells[column].words);
      });
    });
    legendOf(svg, [[heads[before].words, UNSURE], [heads[after].words, "var(--accent)"]], left, rows.length * step + 20);
  },

  /** One bar a group, cut by what its rows are called. */
  groups(holder, { rows, heads }, { group, part, value }, title, width) {
    const names = [...new Set(rows.map((row) => row.cells[part].words))];
    const groups = d3.groups(rows, (row) => row.cells[group].words).map(([name, mine]) => ({
      name,
      parts: mine.map((row) => ({ name: row.cells[part].words, value: row.cells[value].value, words: row.cells[value].words, colour: PALETTE[names.indexOf(row.cells[part].words) % PALETTE.length] })),
    }));
    drawStacks(holder, groups, heads[value].unit, title, width, true);
  },

  /** Values over a number, one line a column. */
  lines(holder, { rows, heads }, { x: across, lines, from_zero: fromZero = true }, title, width) {
    const [high, left, right, bottom] = [270, 84, 20, 72];
    const svg = newChart(holder, high, title, width);
    const known = rows.filter((row) => row.cells[lines[0]].value !== null);
    if (!known.length) return holder.replaceChildren();
    const ends = (numbers) => {
      const [low, most] = d3.extent(numbers);
      return fromZero ? [Math.min(0, low), most || 1] : [low - 0.08 * (most - low || 1), most + 0.08 * (most - low || 1)];
    };
    const x = d3.scaleLinear(ends(known.map((row) => row.cells[across].value)), [left, width - right]).nice();
    const values = known.flatMap((row) => lines.map((column) => row.cells[column].value)).filter((value) => value !== null);
    const y = d3.scaleLinear(ends(values), [high - bottom, 14]).nice();
    for (const tick of y.ticks(5)) svg.append("path").attr("class", "grid").attr("d", `M${left},${y(tick)}H${width - right}`);
    axis(svg, x, known[0].cells[across].form, `translate(0,${high - bottom})`, 6);
    const unit = axis(svg, y, known[0].cells[lines[0]].form, `translate(${left},0)`, 5, d3.axisLeft);
    svg.append("text").attr("x", width - right).attr("y", high - bottom + 34).attr("text-anchor", "end").text(heads[across].words);
    svg.append("text").attr("transform", `translate(16,${(high - bottom) / 2}) rotate(-90)`).attr("text-anchor", "middle").text(unit);
    lines.forEach((column, i) => {
      const mine = known.filter((row) => row.cells[column].value !== null);
      svg.append("path").attr("d", d3.line((row) => x(row.cells[across].value), (row) => y(row.cells[column].value))(mine)).style("fill", "none")
        .style("stroke", PALETTE[i]).style("stroke-width", "2.4px").style("stroke-dasharray", i ? "7 4" : null);
      svg.append("g").selectAll("circle").data(mine).join("circle").attr("cx", (row) => x(row.cells[across].value)).attr("cy", (row) => y(row.cells[column].value)).attr("r", 4).style("fill", PALETTE[i]);
    });
    legendOf(svg, lines.map((column, i) => [heads[column].words, PALETTE[i]]), left, high - 8);
    return undefined;
  },
});
