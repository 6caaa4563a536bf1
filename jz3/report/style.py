"""The look of the page: one column, light or dark as the reader's system is, nothing fetched."""

CSS = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --page: #fff; --panel: #f4f6f8;
  --line: #d5dae0; --blue: #1f6feb; --green: #2e9e5b; --red: #d1553f; --grey: #9aa3ad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #9aa4af; --page: #14171b;
  --panel: #1e2329; --line: #363d46; --blue: #6ea8fe; --green: #4cc07d; --red: #ee8672; --grey: #6d7680; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 0 1.25rem 4rem; color: var(--ink);
  background: var(--page); font: 16px/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { margin: 2rem 0 .5rem; font-size: 1.9rem; line-height: 1.2; }
h2 { margin: 3rem 0 .75rem; padding-top: .5rem; font-size: 1.4rem; border-bottom: 1px solid var(--line); }
h3 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
h2, h3 { scroll-margin-top: 3.5rem; }
h4 { margin: 0; font-size: 1rem; }
nav { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .2rem 1rem;
  padding: .6rem 0; background: var(--page); border-bottom: 1px solid var(--line); font-size: .9rem; }
a { color: var(--blue); }
.scroll { max-width: 100%; overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code, pre { font: .85em/1.45 ui-monospace, monospace; }
pre { margin: 0; padding: .7rem .9rem; overflow-x: auto; white-space: pre-wrap; background: var(--panel);
  border-radius: 6px; }
.code { margin: .6rem 0; }
.code::before { display: block; color: var(--soft); font-size: .75rem; }
.program::before { content: "program"; }
.output::before { content: "output"; }
.output pre { border-left: 3px solid var(--green); }
.bar { display: flex; width: 8rem; height: .8rem; margin-top: .35rem; background: var(--panel); }
.bar .kept { background: var(--green); }
.bar .rejected { background: var(--red); }
.bar .failed { background: var(--grey); }
.rule { display: inline-block; margin-right: .6rem; white-space: nowrap; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; }
.figure { padding: .75rem 1rem; background: var(--panel); border-radius: 8px; }
.figure b { display: block; font-size: 1.5rem; }
.figure span, .score, figcaption, .note { color: var(--soft); font-size: .875rem; }
.provider { padding: .6rem 1rem; border-left: 3px solid var(--blue); background: var(--panel); }
.sample { margin: 1rem 0; padding: .9rem 1.1rem; border: 1px solid var(--line); border-radius: 8px; }
.sample .score { margin: .1rem 0 .6rem; }
.problem { font-weight: 600; }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--blue); }
figure { margin: 1.25rem 0; }
svg { max-width: 100%; fill: currentColor; }
svg text { font: 12px system-ui, sans-serif; }
.graph { display: block; width: 100%; min-width: 40rem; }
.graph text { text-anchor: middle; font-size: 13px; }
.graph rect { fill: var(--panel); stroke: var(--blue); }
.edge { fill: none; stroke: var(--grey); stroke-width: 1.3; }
.again { stroke: var(--red); stroke-dasharray: 6 4; }
.plot { display: block; width: 44rem; }
.plot line { stroke: var(--line); }
.plot .level text { text-anchor: end; }
.plot .step text { text-anchor: middle; }
.curve { fill: none; stroke: var(--blue); stroke-width: 1.6; }
.plot .pool { fill: var(--grey); opacity: .55; }
.plot .chosen { fill: var(--green); }
.estimate { width: 7rem; max-width: none; height: 1rem; vertical-align: middle; }
.estimate line { stroke: var(--line); }
.estimate .interval { stroke: var(--blue); stroke-width: 2; }
.estimate circle { fill: var(--blue); }
menclose[notation="box"] { border: 1px solid; border-radius: 3px; padding: .1em .3em; }
"""
