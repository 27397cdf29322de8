// Streamlit calls the default export each time the page has run. One Plotly div lives for as long as the component is
// mounted: a new figure goes into it with Plotly.react, and what the reader did to the view (zoom, pan, 3-D camera) is
// kept here and put into each new figure, so that it also survives the way from contour to surface and back.

const shared = (window.__landscape ??= { views: new Map(), library: null });
const charts = new WeakMap();
const TALL = 640; // pixels: a higher figure has several rows of panels
const NARROW = 560; // pixels: below this the colour bar and the legend go under the figure

function loadPlotly(url) {
  shared.library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      shared.library = null;
      reject(new Error("The drawing library could not be loaded from this app's own server; reload the page."));
    };
    document.head.appendChild(script);
  });
  return shared.library;
}

function hasWebGL() {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
}

// What the reader changed, as dotted layout keys. A double click gives the axis back to Plotly.
function rememberView(key, change) {
  const view = shared.views.get(key) ?? {};
  for (const axis of ["xaxis", "yaxis"]) {
    if (change[`${axis}.autorange`]) delete view[axis];
    const range = change[`${axis}.range`] ?? [change[`${axis}.range[0]`], change[`${axis}.range[1]`]];
    if (range[0] !== undefined) view[axis] = range;
  }
  if (change["scene.camera"]) view.camera = change["scene.camera"];
  shared.views.set(key, view);
}

function applyView(key, layout) {
  const view = shared.views.get(key);
  if (!view) return;
  for (const axis of ["xaxis", "yaxis"]) {
    if (view[axis] && layout[axis]) layout[axis] = { ...layout[axis], range: view[axis], autorange: false };
  }
  if (view.camera && layout.scene) layout.scene = { ...layout.scene, camera: view.camera };
}

// From top to bottom: figure, colour bar, legend; each measured from the lower edge of the slot.
function fitNarrow(figure) {
  const { layout } = figure;
  const bar = { orientation: "h", x: 0.5, xanchor: "center", len: 1, thickness: 12 };
  const place = { yref: "container", y: 0.25, yanchor: "top" };
  let bars = 0;
  for (const trace of figure.data) {
    if (!trace.colorbar) continue;
    trace.colorbar = { ...trace.colorbar, ...bar, ...place, title: { ...trace.colorbar.title, side: "bottom" } };
    bars += 1;
  }
  if (layout.coloraxis?.colorbar) bars += 1;
  layout.legend = { ...layout.legend, orientation: "h", x: 0, xanchor: "left", yref: "container", y: 0, yanchor: "bottom" };
  // No room for the line of conditions; the caption under the figure says the same. A scene has its axis labels inside
  // and is cut off at its edge.
  layout.title = { ...layout.title, subtitle: { text: "" } };
  const inside = Boolean(layout.scene);
  layout.margin = {
    ...layout.margin,
    l: inside ? 0 : 48,
    r: inside ? 0 : 12,
    t: layout.title.text ? 48 : 16,
    b: (bars ? 130 : 70) + (inside ? 0 : 40),
  };
}

// The clicked place as a cross on a map, a post on a surface, a vertical line on a line; a chosen cell in a frame, a chosen
// curve before the others of its panel. It comes apart from the figure,
// so that a click moves a mark and draws nothing else anew on the server.
function addProbe(figure, probe, ink) {
  if (!probe) return;
  const halo = { color: "#ffffff", line: { color: "#111111", width: 1.5 } };
  const common = { mode: "markers", hoverinfo: "skip", showlegend: false, name: "clicked point" };
  if (probe.kind === "curve") {
    const chosen = figure.data[probe.trace];
    for (const trace of figure.data) {
      const curve = trace.mode?.includes("lines") && trace.name && trace.xaxis === chosen.xaxis;
      if (curve && trace !== chosen) trace.opacity = 0.25;
    }
  } else if (probe.kind === "cell") {
    const number = probe.panel ? probe.panel + 1 : "";
    const [x, y] = [probe.column, probe.row];
    const place = { xref: `x${number}`, yref: `y${number}`, x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5 };
    // Light round dark, so that it stands out from every colour.
    const frames = [["#ffffff", 5], ["#111111", 2]].map(([color, width]) => ({ type: "rect", ...place, line: { color, width } }));
    figure.layout.shapes = [...(figure.layout.shapes ?? []), ...frames];
  } else if (probe.kind === "line") {
    const line = { color: ink, width: 1.5, dash: "dot" };
    const shape = { type: "line", xref: "x", yref: "paper", x0: probe.x, x1: probe.x, y0: 0, y1: 1, line };
    figure.layout.shapes = [...(figure.layout.shapes ?? []), shape];
  } else if (probe.kind === "surface") {
    // On the surface itself a mark would be half hidden; the checkpoints stand on posts as well.
    const post = { x: [probe.x, probe.x], y: [probe.y, probe.y], z: [probe.z, probe.top] };
    const marker = { ...halo, symbol: "cross", size: 6 };
    figure.data.push({ ...common, ...post, type: "scatter3d", mode: "lines+markers", marker, line: { color: ink, width: 4 } });
  } else {
    const marker = { ...halo, symbol: "x", size: 11 };
    figure.data.push({ ...common, type: "scatter", x: [probe.x], y: [probe.y], marker });
  }
}

// Categories are counted from 0.
function valueAt(axis, pixel) {
  return axis.type === "category" ? axis.p2r(pixel) : axis.p2d(pixel);
}

// In a figure with several panels: the one under the pointer, counted from 0.
function clickedPoint(host, event) {
  const point = event.points?.[0];
  const layout = host._fullLayout;
  const mouse = event.event;
  const plots = mouse ? [...host.querySelectorAll(".nsewdrag")] : [];
  for (const plot of plots) {
    const box = plot.getBoundingClientRect();
    const [across, down] = [mouse.clientX - box.left, mouse.clientY - box.top];
    if (across < 0 || down < 0 || across > box.width || down > box.height) continue;
    const number = /^x(\d*)y/.exec(plot.dataset.subplot)?.[1] ?? "";
    const [x, y] = [layout[`xaxis${number}`], layout[`yaxis${number}`]];
    return { x: valueAt(x, across), y: valueAt(y, down), panel: Number(number || 1) - 1 };
  }
  return point ? { x: point.x, y: point.y, panel: 0 } : null;
}

function say(chart, sentence) {
  chart.note.textContent = sentence;
  chart.note.hidden = !sentence;
}

function mount(parentElement) {
  const slot = parentElement.querySelector(".landscape-chart");
  const chart = {
    slot,
    host: slot.querySelector(".landscape-plot"),
    poster: slot.querySelector(".landscape-poster"),
    note: slot.querySelector(".landscape-note"),
    turn: 0,
    narrow: null,
    draw: null,
    report: null,
    postered: null,
    key: null,
  };
  chart.observer = new ResizeObserver(() => {
    if (!chart.host._fullLayout || !slot.clientWidth) return;
    if (slot.clientWidth < NARROW !== chart.narrow) chart.draw();
    else window.Plotly.Plots.resize(chart.host);
  });
  chart.observer.observe(slot);
  charts.set(parentElement, chart);
  return chart;
}

function listen(chart) {
  if (chart.listening) return;
  chart.listening = true;
  chart.host.on("plotly_relayout", (change) => rememberView(chart.key, change));
  chart.host.on("plotly_click", (event) => {
    const point = clickedPoint(chart.host, event);
    if (point) chart.report(point);
  });
}

// Drawing keeps the browser busy for up to some seconds (WebGL without a graphics card); the poster must be seen first.
async function showPoster(poster, address) {
  poster.src = address;
  await poster.decode().catch(() => poster.removeAttribute("src"));
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  performance.mark("landscape-poster"); // for the benchmark of the first picture
}

async function draw(chart, data) {
  const turn = ++chart.turn; // an older figure that is still on its way must not overtake this one
  const library = loadPlotly(data.library);
  await chart.postered;
  const Plotly = await library;
  if (turn !== chart.turn) return;
  const figure = JSON.parse(data.figure);
  chart.narrow = chart.slot.clientWidth < NARROW;
  if (chart.narrow && figure.layout.meta !== "small") fitNarrow(figure);
  addProbe(figure, data.probe, getComputedStyle(chart.slot).color);
  Object.assign(figure.layout, {
    autosize: true,
    width: undefined,
    height: undefined,
    clickanywhere: true,
    paper_bgcolor: "rgba(0,0,0,0)",
    uirevision: data.view,
  });
  applyView(data.view, figure.layout);
  if (figure.layout.scene && !hasWebGL()) {
    say(chart, "This browser draws no 3-D (WebGL is off); choose Contour.");
    return;
  }
  say(chart, "");
  await Plotly.react(chart.host, figure.data, figure.layout, {
    responsive: false,
    displaylogo: false,
    scrollZoom: Boolean(figure.layout.scene),
    modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d", "toImage"],
  });
  if (turn !== chart.turn) return;
  listen(chart);
  chart.poster.classList.add("landscape-gone");
  chart.slot.dataset.drawn = String(turn);
  performance.mark("landscape-drawn");
}

export default function ({ data, parentElement, setTriggerValue }) {
  const chart = charts.get(parentElement) ?? mount(parentElement);
  chart.slot.style.setProperty("--landscape-height", `${data.height}px`);
  // In a narrow window a figure is as low as it is narrow, but one with several rows of panels needs its height.
  chart.slot.style.setProperty("--landscape-narrow", data.height > TALL ? "170vw" : "118vw");
  chart.slot.setAttribute("aria-label", data.alt);
  if (data.poster && !chart.postered) chart.postered = showPoster(chart.poster, data.poster);
  chart.report = (point) => setTriggerValue("clicked", point);
  chart.key = data.view;
  chart.draw = () => draw(chart, data).catch((error) => say(chart, error.message));
  // The component also runs when only a callback or the theme changed; the same figure is not drawn twice.
  const wanted = data.figure + JSON.stringify(data.probe);
  if (wanted !== chart.wanted) {
    chart.wanted = wanted;
    chart.draw();
  }
  return () => {
    chart.turn += 1;
    chart.observer.disconnect();
    charts.delete(parentElement);
    if (chart.host._fullLayout) window.Plotly.purge(chart.host);
  };
}
