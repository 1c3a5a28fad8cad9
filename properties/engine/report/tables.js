"use strict";
const key = (row, column) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
const compare = (a, b) => {
  if (a === "" || b === "") return (a === "") - (b === "");
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
};
const sort = (table, heading, column) => {
  const rising = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
  const rows = [...table.tBodies[0].rows].sort((one, other) => {
    const [a, b] = [key(one, column), key(other, column)];
    return rising || a === "" || b === "" ? compare(a, b) : compare(b, a);
  });
  table.tBodies[0].append(...rows);
};
for (const table of document.querySelectorAll("table.sortable"))
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(table, heading, column));
  });
for (const table of document.querySelectorAll("table.filtered")) {
  const rows = [...table.tBodies[0].rows];
  const form = document.createElement("form");
  const said = document.createElement("output");
  const add = (name, control) => {
    const label = document.createElement("label");
    label.append(name, control);
    form.append(label);
    return control;
  };
  const search = add("Search", document.createElement("input"));
  search.type = "search";
  const chosen = ["verdict", "chapter", "family", "from", "evidence"].flatMap((name) => {
    const values = new Set(rows.flatMap((row) => row.dataset[name].split("|")).filter(Boolean));
    if (values.size < 2) return [];
    const select = add(name, document.createElement("select"));
    select.append(new Option("any", ""), ...[...values].sort().map((value) => new Option(value)));
    return [[name, select]];
  });
  form.append(said);
  form.className = "filters";
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    for (const row of rows) {
      const text = `${row.textContent} ${row.dataset.text}`.toLowerCase();
      const kept = chosen.every(([name, { value }]) => !value || row.dataset[name].split("|").includes(value));
      row.hidden = !(kept && text.includes(search.value.toLowerCase()));
    }
    said.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
  });
  table.parentNode.before(form);
}
