// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace gantry {

inline constexpr char kReportStyle[] = R"css(
:root { color-scheme: light dark; --ground: #f6f7f9; --panel: #fff; --text: #1c2330; --soft: #667085;
  --rule: #e4e7ec; --a: #2563eb; --b: #e0662f; --c: #159a6c; --d: #9333ea; --e: #c62a5b; --f: #8a6d1d; }
@media (prefers-color-scheme: dark) { :root { --ground: #11151c; --panel: #1a202b; --text: #e6e9ef;
  --soft: #93a0b5; --rule: #2b3341; --a: #6ea8fe; --b: #f2955f; --c: #4cc79a; --d: #c08bf5;
  --e: #f0719b; --f: #d4b55c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 14px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 13px; text-transform: uppercase; letter-spacing: .08em; color: var(--soft);
  margin: 40px 0 12px; }
h3 { font-size: 15px; margin: 0 0 6px; }
h3 small { float: right; font-weight: 400; color: var(--soft); }
.path { flex-basis: 100%; margin: 0; color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
.pill { border-radius: 99px; padding: 1px 12px; font-size: 13px; font-weight: 600; color: #fff;
  background: var(--soft); }
.pill.done { background: #15803d; } .pill.running { background: #2563eb; }
.pill.stopped { background: #b45309; } .pill.failed { background: #b91c1c; }
.message { white-space: pre-wrap; border-left: 3px solid var(--soft); background: var(--panel);
  padding: 10px 14px; border-radius: 0 8px 8px 0; font-size: 14px; }
.message.failed { border-color: #b91c1c; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 10px;
  margin-top: 20px; }
.card, figure, details, table { background: var(--panel); border: 1px solid var(--rule);
  border-radius: 10px; }
.card { padding: 10px 14px; }
.card span { display: block; color: var(--soft); font-size: 12px; }
.card b { font-size: 18px; white-space: nowrap; font-variant-numeric: tabular-nums; }
figure { margin: 0; padding: 16px; min-width: 0; }
figcaption { color: var(--soft); font-size: 13px; margin-top: 8px; }
figcaption b { color: var(--text); font-variant-numeric: tabular-nums; margin-right: 12px; }
.pictures, .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr));
  gap: 14px; }
.pictures img { width: 100%; max-width: 560px; border-radius: 4px; }
.grids img { display: none; } .grids img.on { display: block; } .film img { display: block; }
.grids figcaption { display: flex; gap: 12px; } .grids input { flex: 1; accent-color: var(--a); }
output { font-variant-numeric: tabular-nums; min-width: 7em; text-align: right; }
.entry { display: inline-block; white-space: nowrap; }
svg { display: block; width: 100%; height: auto; }
.rule { stroke: var(--rule); } .tick, .axis { fill: var(--soft); font-size: 11px; }
.axis { font-style: italic; }
.end { text-anchor: end; } .mid { text-anchor: middle; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.raw { opacity: .28; stroke-width: 1; }
.c0 { stroke: var(--a); } .c1 { stroke: var(--b); } .c2 { stroke: var(--c); }
.c3 { stroke: var(--d); } .c4 { stroke: var(--e); } .c5 { stroke: var(--f); }
.key { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px;
  vertical-align: middle; }
.k0 { background: var(--a); } .k1 { background: var(--b); } .k2 { background: var(--c); }
.k3 { background: var(--d); } .k4 { background: var(--e); } .k5 { background: var(--f); }
table + details { margin-top: 10px; }
details { padding: 12px 16px; } summary { cursor: pointer; }
pre { overflow-x: auto; font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; margin: 10px 0 0; }
table { border-collapse: separate; border-spacing: 0; width: 100%; padding: 6px 16px; font-size: 14px; }
th { text-align: left; font-weight: 500; color: var(--soft); padding: 4px 24px 4px 0;
  white-space: nowrap; vertical-align: top; width: 1%; }
td { overflow-wrap: anywhere; }
.commands { padding: 0; } .commands dt { color: var(--soft); font-size: 13px; margin-top: 10px; }
.commands dd { margin: 2px 0 0; } code { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace;
  background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; padding: 4px 10px;
  display: inline-block; overflow-wrap: anywhere; user-select: all; }
.warning { color: #b45309; font-size: 14px; }
footer { color: var(--soft); font-size: 13px; margin-top: 40px; }
@media print { figure, table { break-inside: avoid; } .grids input { display: none; } details pre { display: block; } }
)css";

// The slider under the grids.
inline constexpr char kReportScript[] = R"js(
for (const figure of document.querySelectorAll(".grids")) {
  const pictures = figure.querySelectorAll("img");
  figure.querySelector("input").addEventListener("input", event => {
    pictures.forEach((picture, i) => picture.classList.toggle("on", i === +event.target.value));
    figure.querySelector("output").textContent =
      "step " + pictures[+event.target.value].dataset.step;
  });
}
)js";

}  // namespace gantry
