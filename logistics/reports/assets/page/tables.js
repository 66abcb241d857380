// Rows of tables that stand for something on the map.
function goTo(row) {
  const place = row.dataset.place;
  const kind = place.slice(0, place.indexOf(":"));
  if (kind === "plan") {
    const id = place.slice(5);
    const number = report.map.snapshots.findIndex((each) => each.id === id && (id || each.year === report.year));
    if (number >= 0) showSnapshot(number, "difference");
    if (document.querySelector(".pick")) pickPlace(place);
    for (const other of document.querySelectorAll("tr[data-place]")) other.classList.toggle("chosen", other === row);
    for (const point of document.querySelectorAll(".point")) point.classList.toggle("chosen", point.dataset.place === place);
  } else {
    choosePlace(place);
    if (!map.chosen.name) choose({ ...map.chosen, name: row.querySelector(".locate").innerText.trim() });
  }
}

function canGo(row) {
  const place = row.dataset.place;
  const kind = place.slice(0, place.indexOf(":"));
  if (kind === "plan") return report.map.snapshots.length > 1;
  return legsOf(place).size > 0;
}

/** The cell with the name in such a row, else the first, becomes a button, so that the keyboard reaches it. */
function setUpTables() {
  if (!report.map) return;
  for (const row of document.querySelectorAll("tr[data-place]")) {
    if (!canGo(row)) { row.removeAttribute("data-place"); continue; }
    const cell = row.querySelector("td bdi")?.closest("td") ?? row.cells[0];
    const button = document.createElement("button");
    button.type = "button";
    button.className = "locate";
    button.append(...cell.childNodes);
    cell.append(button);
    row.addEventListener("click", () => goTo(row));
  }
}
