"""How a report in HTML looks."""

CSS = """
:root { --ink: #1d2530; --soft: #66707d; --line: #e3e7ec; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f7f9; color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header { background: #12212f; color: #fff; padding: 2.2rem 1rem 1.8rem; }
header > *, main, footer { max-width: 60rem; margin: 0 auto; }
header h1 { font-size: 1.7rem; margin-bottom: .3rem; line-height: 1.2;
  overflow-wrap: anywhere; }
header p { color: #b9c7d4; margin: .2rem auto .6rem; }
main { padding: 1rem; }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px;
  padding: 1.1rem 1.4rem 1.3rem; margin: 1rem 0; }
h2 { font-size: 1.15rem; margin: 0 0 .4rem; }
p { margin: .3rem 0; }
.soft, footer { color: var(--soft); font-size: .9rem; }
.warning { background: #fff4e5; border-color: #f3c98b; }
.cards { display: grid; gap: .7rem; margin: .9rem 0 .2rem;
  grid-template-columns: repeat(auto-fit, minmax(6.8rem, 1fr)); }
.card { border: 1px solid var(--line); border-radius: 8px; padding: .6rem .7rem; }
.card b { display: block; font-size: 1.2rem; line-height: 1.25; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.card span { color: var(--soft); font-size: .82rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: 60%; margin: .6rem 0; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; font-size: .88rem; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; height: auto; display: block; }
figure { margin: .7rem 0 0; }
figcaption { color: var(--soft); font-size: .85rem; padding-top: .25rem; }
.gallery { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); }
.gallery img { border-radius: 6px; }
nav a { color: #d7e6f2; margin-right: .9rem; text-decoration: none; font-size: .9rem; }
footer { padding: 0 1.4rem 2rem; }
@media print { body { background: #fff; } section { break-inside: avoid; } nav { display: none; } }
"""
