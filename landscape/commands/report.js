// Draws each figure when it comes near the screen, in the colours of the theme, and again when the theme changes.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const config = JSON.parse(document.getElementById("config").textContent);
const drawn = new Set();

function draw(box) {
  const theme = dark.matches ? "dark" : "light";
  const figure = JSON.parse(document.getElementById(`${box.dataset.name}-${theme}`).textContent);
  Plotly.react(box, figure.data, figure.layout, config).then(() => box.parentElement.classList.add("drawn"));
}

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting || drawn.has(entry.target)) continue;
      drawn.add(entry.target);
      draw(entry.target);
    }
  },
  { rootMargin: "600px" },
);
for (const box of document.querySelectorAll(".live")) near.observe(box);
dark.addEventListener("change", () => drawn.forEach(draw));
