// What every script of the page needs: its data, its language, numbers as people read them.
const report = JSON.parse(document.getElementById("report-data").textContent);
const root = document.documentElement;
const listeners = [];
const written = { lang: root.dataset.lang, words: [] };

function language() {
  return root.dataset.lang;
}

/** Words of a key in the page's language, with `{name}` put in. */
function say(key, values = {}) {
  const words = report.words[key];
  const said = words ? words[language() === "zh" ? 1 : 0] : key;
  return said.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

/** The one of a pair [English, Chinese] that the reader reads. */
function ours(pair) {
  return (language() === "zh" ? pair[1] : pair[0]) || pair[0] || pair[1] || "";
}

/** A number in a form, with its unit. */
function shown(value, form, { signed = false, unit = true } = {}) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const [factor, name, decimals] = report.forms[form][language()];
  const number = value * factor;
  let words = decimals < 0
    ? String(Number(number.toPrecision(3)))
    : d3.format(`,.${decimals}f`)(number).replace("−", "-");
  if (/^-?[0.,]*$/.test(words)) words = words.replace("-", "");
  else if (signed && number > 0) words = `+${words}`;
  return unit && name ? `${words} ${name}` : words;
}

function shortened(words, most) {
  const letters = [...words];
  return letters.length <= most ? words : `${letters.slice(0, most - 1).join("")}…`;
}

/** Call `draw` now and whenever the language or the year changes. */
function onChange(draw) {
  listeners.push(draw);
}

function changed() {
  for (const draw of listeners) draw();
}

/** Put every text of the page into a language: it was written in one, a list holds what the other says. */
function speak(lang) {
  for (const element of document.querySelectorAll("[data-w]")) {
    const number = element.dataset.w;
    written.words[number] ??= element.textContent;
    element.textContent = lang === written.lang ? written.words[number] : report.other[number];
  }
}

function setLanguage(lang) {
  root.dataset.lang = lang;
  speak(lang);
  root.lang = lang === "zh" ? "zh-CN" : "en";
  const title = document.querySelector("title");
  title.textContent = title.dataset[lang];
  changed();
}

function setYear(year) {
  for (const block of document.querySelectorAll(".blocks[data-year]")) block.hidden = block.dataset.year !== String(year);
  for (const button of document.querySelectorAll("button.year")) button.setAttribute("aria-pressed", String(button.dataset.year === String(year)));
  report.year = year;
  changed();
}
