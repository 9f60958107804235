/** The style of the confusion matrix, and of the recall per class. */
export const classesStyle: string = `
.confusion { --cell: max(20px, 7px * var(--digits) + 7px); border-collapse: separate; border-spacing: 1px; table-layout: fixed; width: 100%;
  min-width: calc(76px + (var(--cell) + 1px) * var(--classes)); max-width: calc(92px + 72px * var(--classes)); font-size: 12px; }
.confusion th, .confusion td { border: 0; padding: 0; text-align: center; vertical-align: middle; }
.confusion th { font-size: 12px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; background: var(--paper); }
.confusion thead th { height: 92px; vertical-align: bottom; padding-bottom: 6px; position: sticky; top: 0; }
.confusion thead th span { display: inline-block; max-height: 86px; overflow: hidden; text-overflow: ellipsis; writing-mode: vertical-rl; transform: rotate(180deg); }
.confusion thead th:first-child, .confusion tbody th { width: clamp(76px, 14vw, 108px); position: sticky; left: 0; z-index: 1; }
.confusion thead th:first-child { z-index: 2; }
.confusion tbody th { text-align: right; padding-right: 8px; }
.confusion td { height: clamp(26px, 7vw, 38px); border-radius: 4px; }
.confusion td.zero { color: var(--quiet); background: var(--panel); }
.confusion .right, .matrix .right { --shade: var(--accent); }
.confusion .wrong, .matrix .wrong { --shade: var(--bad); }
.confusion .right, .confusion .wrong { background: color-mix(in srgb, var(--shade) calc(8% + var(--share) * 92%), var(--panel)); }
.confusion td.strong { color: var(--on-accent); }
.matrix { display: block; width: 100%; height: auto; max-width: 640px; background: var(--panel); border-radius: 4px; shape-rendering: crispEdges; }
.matrix rect { fill: color-mix(in srgb, var(--shade) calc(4% + var(--share) * 96%), var(--panel)); }
#confusion-table .scroll { max-height: 80vh; overflow: auto; }
#confusion-table td { height: 26px; }
.per-class { font-size: 13px; table-layout: fixed; }
.per-class th, .per-class td { padding: 4px 8px 4px 0; white-space: nowrap; vertical-align: middle; }
.per-class tbody th { white-space: normal; overflow-wrap: anywhere; line-height: 1.3; color: var(--ink); font-size: 13px; font-weight: 400; }
.per-class th:nth-child(1) { width: 30%; }
.per-class th:nth-child(3) { width: calc(16px * var(--digits) + 28px); }
.per-class th:nth-child(4) { width: 66px; }
.tall { max-height: 900px; overflow-y: auto; }
.tall thead th { position: sticky; top: 0; background: var(--paper); }
.bar { display: block; height: 10px; border-radius: 3px; background: var(--panel); overflow: hidden; }
.bar::after { content: ''; display: block; height: 100%; width: calc(var(--share) * 100%); background: var(--accent); border-radius: 3px; }
.confused { margin-top: 28px; }
.confused h3 { margin-bottom: 8px; }
.confused ol { list-style: none; font-size: 14px; }
.confused li { display: flex; gap: 16px; justify-content: space-between; padding: 5px 0; border-bottom: 1px solid var(--line); }
.confused li span:last-child { color: var(--muted); }
`.trim()
