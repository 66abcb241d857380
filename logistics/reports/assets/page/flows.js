// Tonnes on every leg of a plan, for what the reader chose to see.
const MODES = ["sea", "air", "rail", "road", "post"];
const SEGMENTS = ["direct", "stocked", "b2b"];
const DIRECTIONS = ["export", "import", "transit"];

/** What is looked at; the controls write here. */
const choice = {
  snapshot: 0,
  view: "after",
  modes: new Set(MODES),
  segments: new Set(SEGMENTS),
  directions: new Set(DIRECTIONS),
  product: -1,
};

/** Mode of a leg; roads before and behind services are road. */
function modeOf(leg) {
  const service = report.map.legs.service[leg];
  return service < 0 ? "road" : MODES[report.map.services.mode[service]];
}

/** Whether a traffic (direction and segment) is looked at. */
function wanted(traffic) {
  const [direction, segment] = report.map.traffics[traffic];
  return choice.segments.has(segment) && choice.directions.has(direction);
}

/** Tonnes by leg and traffic, and by product where the plan is told so, as a Map from leg to [what, tonnes] pairs. */
function cellsOf(snapshot) {
  if (!snapshot.byLeg) {
    snapshot.byLeg = new Map();
    let leg = 0;
    for (const [step, ...told] of snapshot.cells) {
      leg += step;
      snapshot.byLeg.set(leg, d3.range(0, told.length, 2).map((i) => [told[i], told[i + 1]]));
    }
  }
  return snapshot.byLeg;
}

/** Tonnes by leg of a plan, as chosen. */
function tonnesOf(number) {
  const snapshot = report.map.snapshots[number];
  const traffics = report.map.traffics.length;
  const tonnes = new Float64Array(report.map.legs.from.length);
  const mine = cellsOf(snapshot);
  const told = snapshot.base >= 0 ? byTraffic(snapshot.base) : new Map();
  for (const [leg, cells] of told) {
    const changed = new Map(mine.get(leg) ?? []);
    for (const [traffic, amount] of cells) if (wanted(traffic) && !changed.has(traffic)) tonnes[leg] += amount;
  }
  for (const [leg, cells] of mine) {
    for (const [what, amount] of cells) {
      const product = snapshot.by_product ? Math.floor(what / traffics) : -1;
      if (choice.product >= 0 && product >= 0 && product !== choice.product) continue;
      if (wanted(what % traffics)) tonnes[leg] += amount;
    }
  }
  return tonnes;
}

/** Cells of a plan added up over products: leg → traffic → tonnes. */
function byTraffic(number) {
  const snapshot = report.map.snapshots[number];
  if (!snapshot.summed) {
    snapshot.summed = new Map();
    const traffics = report.map.traffics.length;
    for (const [leg, cells] of cellsOf(snapshot)) {
      const sums = new Map();
      for (const [what, amount] of cells) sums.set(what % traffics, (sums.get(what % traffics) ?? 0) + amount);
      snapshot.summed.set(leg, sums);
    }
  }
  return snapshot.summed;
}

/** Tonnes by leg in the view: of the plan, of its base, or the difference. */
function tonnesInView() {
  const snapshot = report.map.snapshots[choice.snapshot];
  if (snapshot.base < 0 || choice.view === "after") return tonnesOf(choice.snapshot);
  const before = tonnesOf(snapshot.base);
  if (choice.view === "before") return before;
  return tonnesOf(choice.snapshot).map((amount, leg) => amount - before[leg]);
}

function isDifference() {
  return choice.view === "difference" && report.map.snapshots[choice.snapshot].base >= 0;
}
