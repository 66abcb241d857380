// Buttons and lists of the map and of the page.
function pressed(button, on) {
  button.setAttribute("aria-pressed", String(on));
}

/** Buttons that switch something in and out of a set; the last one that is in stays. */
function toggles(selector, key, set) {
  for (const button of document.querySelectorAll(`${selector} button`)) {
    button.addEventListener("click", () => {
      const value = button.dataset[key];
      if (set.has(value) && set.size > 1) set.delete(value);
      else set.add(value);
      pressed(button, set.has(value));
      refreshMap();
    });
  }
}

function fillList(list, labels, value) {
  list.replaceChildren(...labels.map((words, i) => new Option(shortened(words, 60), i)));
  list.value = String(value);
}

function showSnapshot(number, view) {
  choice.snapshot = number;
  const snapshot = report.map.snapshots[number];
  choice.view = snapshot.base >= 0 ? view ?? choice.view : "after";
  const list = document.getElementById("plan");
  if (list) list.value = String(number);
  for (const button of document.querySelectorAll("#views button")) {
    button.disabled = snapshot.base < 0;
    pressed(button, snapshot.base >= 0 && button.dataset.view === choice.view);
  }
  const product = document.getElementById("product");
  product.disabled = !snapshot.by_product;
  product.title = snapshot.by_product ? "" : say("report.map.product_note");
  if (!snapshot.by_product) { choice.product = -1; product.value = "0"; }
  refreshMap();
}

function snapshotName(snapshot) {
  return report.years.length > 1 ? `${snapshot.year} · ${ours(snapshot.name)}` : ours(snapshot.name);
}

/** The plan of the chosen year that is called as another one; that one itself where there is none. */
function twinOf(snapshot) {
  const { snapshots } = report.map;
  const twin = snapshots.findIndex((each) => each.year === report.year && each.name[0] === snapshot.name[0] && (each.base < 0) === (snapshot.base < 0));
  return twin < 0 ? snapshots.indexOf(snapshot) : twin;
}

function setUpControls() {
  document.getElementById("language").addEventListener("click", () => setLanguage(language() === "zh" ? "en" : "zh"));
  document.getElementById("print").addEventListener("click", () => print());
  for (const button of document.querySelectorAll("button.year")) button.addEventListener("click", () => setYear(Number(button.dataset.year)));
  if (!report.map) return;
  choice.snapshot = report.at_first;
  if (report.at_first) choice.view = "difference";
  let drawnYear = null;
  toggles("#modes", "mode", choice.modes);
  toggles("#segments", "segment", choice.segments);
  toggles("#directions", "direction", choice.directions);
  const product = document.getElementById("product");
  product.addEventListener("change", () => { choice.product = Number(product.value) - 1; refreshMap(); });
  document.getElementById("plan")?.addEventListener("change", (event) => showSnapshot(Number(event.target.value), "difference"));
  for (const button of document.querySelectorAll("#views button")) button.addEventListener("click", () => showSnapshot(choice.snapshot, button.dataset.view));
  for (const button of document.querySelectorAll("#areas [data-area]")) button.addEventListener("click", () => showArea(button.dataset.area));
  for (const button of document.querySelectorAll("#areas [data-zoom]")) {
    button.addEventListener("click", () => glide(200).call(map.zoom.scaleBy, button.dataset.zoom === "in" ? 1.6 : 1 / 1.6));
  }
  onChange(() => {
    fillList(product, [say("report.map.all_products"), ...report.map.products.map(ours)], choice.product + 1);
    const list = document.getElementById("plan");
    if (list) fillList(list, report.map.snapshots.map(snapshotName), choice.snapshot);
    showSnapshot(drawnYear === report.year ? choice.snapshot : twinOf(report.map.snapshots[choice.snapshot]));
    drawnYear = report.year;
  });
}
