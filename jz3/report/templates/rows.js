(() => {
  const form = document.getElementById("filter");
  const shown = form.querySelector("output");
  const choices = [...form.querySelectorAll("[data-choice]")];
  const groups = [...document.querySelectorAll("#samples .group")].map((group) => ({
    group,
    rows: [...group.querySelectorAll("article")].map((row) => ({ row, text: row.textContent.toLowerCase() })),
  }));
  const filter = () => {
    const words = form.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = choices.filter((choice) => choice.value);
    const idle = !words.length && !wanted.length;
    let count = 0;
    for (const { group, rows } of groups) {
      let here = 0;
      for (const { row, text } of rows) {
        const fits = wanted.every((choice) => row.dataset[choice.name] === choice.value) &&
          words.every((word) => text.includes(word));
        row.hidden = !fits;
        here += fits;
      }
      group.hidden = !here && !idle;
      count += here;
    }
    shown.textContent = `${count} shown`;
  };
  const sort = () => {
    const { value: name, selectedOptions: [option] } = form.sort;
    const numeric = "numeric" in option.dataset;
    const sign = form.turn.value === "down" ? -1 : 1;
    const key = ({ row }) => row.dataset[name] === undefined || !numeric ? row.dataset[name] : Number(row.dataset[name]);
    const compare = (one, other) => {
      const [a, b] = [key(one), key(other)];
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
      return sign * (numeric ? a - b : a.localeCompare(b));
    };
    for (const { group, rows } of groups) {
      const ordered = name ? [...rows].sort(compare) : sign < 0 ? [...rows].reverse() : rows;
      group.append(...ordered.map(({ row }) => row));
    }
  };
  form.hidden = false;
  form.addEventListener("input", ({ target }) => {
    if (target === form.sort || target === form.turn) sort();
    else filter();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
