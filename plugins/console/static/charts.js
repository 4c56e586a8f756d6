// Draws the charts of a page in the colours of its tokens, and again when these change. Under the strict policy: no code from text, no style elements.
const probe = document.createElement("span");
probe.hidden = true;
probe.style.forcedColorAdjust = "none"; // a chart keeps its colours: one alone would not tell its parts from each other
document.body.append(probe);

// What is printed is light, as the style sheet has it.
addEventListener("beforeprint", () => {
  probe.style.colorScheme = "light";
  again();
});
addEventListener("afterprint", () => {
  probe.style.colorScheme = "";
  again();
});

// A token as the colour that it is now: by itself it says both, the light one and the dark one.
function token(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

function config(figure) {
  const [ink, soft, line, accent] = ["--ink", "--soft", "--line", "--accent"].map(token);
  const words = { labelColor: soft, titleColor: soft, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500 };
  return {
    font: getComputedStyle(document.body).fontFamily,
    background: "transparent",
    view: { stroke: null },
    axis: { ...words, domainColor: line, tickColor: line, gridColor: line, gridOpacity: 0.7, labelLimit: 120, labelOverlap: true },
    axisX: { grid: false },
    axisY: { domain: false, ticks: false, tickCount: 5, titleAngle: 0, titleAlign: "left", titleBaseline: "bottom", titleX: 0, titleY: -8, titleLimit: figure.clientWidth * 0.8 },
    legend: { ...words, columns: figure.clientWidth < 480 ? 3 : 0, orient: "top", symbolType: "circle", labelLimit: 160, offset: 26 },
    title: { color: ink },
    range: { category: ["--accent", "--chart-2", "--chart-3", "--chart-4", "--chart-5", "--chart-6", "--chart-7", "--chart-8"].map(token) },
    mark: { color: accent, tooltip: true },
    line: { strokeWidth: 2.2 },
    bar: { cornerRadiusEnd: 3 },
    text: { color: ink },
    scale: { bandPaddingInner: 0.4, bandPaddingOuter: 0.3 },
    point: { filled: true, size: 36 },
  };
}

// What is printed has fixed colours; in a page they follow the tokens.
const PRINTED = { "#4c78a8": "--accent", "#f58518": "--chart-2", "#555555": "--ink" };
const coloured = (written) => written.replace(/#4c78a8|#f58518|#555555/g, (one) => token(PRINTED[one]));

// The values beside the marks are left out where these stand closer than a value is wide.
function uncrowded(chart, width) {
  const written = chart.layer?.some((one) => one.mark?.type === "text");
  const room = (width - 80) / (chart.data?.values?.length || 1);
  return written && room < 36 ? { ...chart, layer: chart.layer.filter((one) => one.mark?.type !== "text") } : chart;
}

// The names of bars stand in lines of a word each: side by side there is seldom room for all, and a bar without a name says little.
function broken(chart) {
  const x = chart.encoding?.x;
  if (x?.type !== "nominal" || x.axis?.labelAngle !== 0) return chart;
  return { ...chart, encoding: { ...chart.encoding, x: { ...x, axis: { ...x.axis, labelExpr: "split(datum.label, ' ')" } } } };
}

async function draw(figure) {
  const { $schema: _version, title, config: _printed, width, height, ...given } = JSON.parse(coloured(figure.dataset.chart));
  const chart = broken(uncrowded(given, figure.clientWidth));
  const sized = { ...chart, width: "container", height: figure.clientHeight, autosize: { type: "fit", contains: "padding" } };
  const options = {
    mode: "vega-lite",
    actions: false,
    ast: true,
    defaultStyle: false,
    renderer: "svg",
    config: config(figure),
    tooltip: { disableDefaultStyle: true },
    ...(figure.dataset.marks && { formatLocale: JSON.parse(figure.dataset.marks) }),
  };
  try {
    figure.drawn?.finalize();
    figure.drawn = await globalThis.vegaEmbed(figure, sized, options);
  } catch (failure) {
    figure.hidden = true; // the table beside it has the same numbers
    throw failure;
  }
}

const all = () => document.querySelectorAll("figure[data-chart]");
const again = () => all().forEach(draw);

if (globalThis.vegaEmbed) {
  again();
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  document.addEventListener("htmx:afterSettle", (event) => event.target.querySelectorAll?.("figure[data-chart]").forEach(draw));
} else {
  all().forEach((figure) => (figure.hidden = true));
}
