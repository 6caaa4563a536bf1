(() => {
  const form = document.getElementById("filter");
  const shown = form.querySelector("output");
  const groups = [...document.querySelectorAll("#samples .group")].map((group) => ({
    group,
    rows: [...group.querySelectorAll("article")].map((row) => ({ row, text: row.textContent.toLowerCase() })),
  }));
  const apply = () => {
    const words = form.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = ["verdict", "level", "kind"].filter((name) => form[name].value);
    const idle = !words.length && !wanted.length;
    let count = 0;
    for (const { group, rows } of groups) {
      let here = 0;
      for (const { row, text } of rows) {
        const fits = wanted.every((name) => row.dataset[name] === form[name].value) &&
          words.every((word) => text.includes(word));
        row.hidden = !fits;
        here += fits;
      }
      group.hidden = !here && !idle;
      count += here;
    }
    shown.textContent = `${count} shown`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
})();
