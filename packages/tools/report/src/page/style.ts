import { classesStyle } from './classes-style.ts'

/** The pages' style: system fonts, one accent, light and dark. */
export const style: string = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfc; --panel: #f4f4f1; --ink: #1a1b1e; --muted: #62656d; --line: #e2e2dd;
  --accent: #1f5fd0; --quiet: #9a9da5; --bad: #c8442e; --good: #2b7d4f; --on-accent: #fff;
  --run-0: #1f5fd0; --run-1: #d0661f; --run-2: #2b8a5a; --run-3: #a23fb3; --run-4: #b8890b;
  --run-5: #128a9c; --run-6: #c23a5e; --run-7: #6b6f78;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #141517; --panel: #1d1f22; --ink: #ecedee; --muted: #9ea2aa; --line: #2f3236;
    --accent: #6ea3ff; --quiet: #777b84; --bad: #ff8163; --good: #6ccf97; --on-accent: #0b1220;
    --run-0: #6ea3ff; --run-1: #ffa15c; --run-2: #63cf95; --run-3: #dc8bea; --run-4: #e3bd4d;
    --run-5: #5cc8d8; --run-6: #ff8da8; --run-7: #a8acb5;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 -apple-system, 'Segoe UI', Inter, Roboto, 'Helvetica Neue', Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 1144px; margin: 0 auto; padding: 40px 16px 96px; }
@media (min-width: 700px) { main { padding: 64px 32px 128px; } }
h1, h2, h3, p, dl, dd, figure, table, ol, ul { margin: 0; padding: 0; }
h2 { font-size: 21px; line-height: 1.25; font-weight: 650; letter-spacing: -.012em; }
h3 { font-size: 14px; font-weight: 600; }
a { color: inherit; text-underline-offset: .2em; }
section { margin-top: 72px; padding-top: 20px; border-top: 1px solid var(--line); }
section > h2 + p { margin-top: 6px; max-width: 68ch; color: var(--muted); font-size: 15px; }
section > .body, section > .columns, section > .scroll { margin-top: 24px; }
.absent { color: var(--muted); font-size: 15px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace; }

.hero { display: grid; gap: 32px; align-items: start; }
.name { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; color: var(--muted); font-size: 15px; overflow-wrap: anywhere; }
.state { display: inline-flex; align-items: center; gap: 6px; color: var(--ink); white-space: nowrap; }
.state::before { content: ''; width: 8px; height: 8px; border-radius: 50%; background: var(--good); }
.state.bad::before { background: var(--bad); }
.state.going::before { background: var(--accent); }
.state.odd::before { background: var(--quiet); }
h1 { margin-top: 10px; font-size: clamp(72px, 22vw, 136px); line-height: .95; font-weight: 700; letter-spacing: -.05em; }
h1 small { font-size: .42em; font-weight: 500; letter-spacing: 0; color: var(--muted); margin-left: .12em; }
h1.words { font-size: clamp(36px, 9vw, 56px); line-height: 1.05; letter-spacing: -.03em; }
.lead { margin-top: 14px; font-size: 18px; color: var(--muted); max-width: 44ch; }
.facts { display: grid; grid-template-columns: 1fr 1fr; gap: 0 24px; }
.facts > div { padding: 11px 0; border-top: 1px solid var(--line); min-width: 0; }
.facts dt { font-size: 13px; color: var(--muted); }
.facts dd { font-size: 19px; font-weight: 550; letter-spacing: -.01em; }
.facts dd span { font-size: 13px; font-weight: 400; color: var(--muted); letter-spacing: 0; white-space: nowrap; }
@media (min-width: 860px) { .hero { grid-template-columns: 1fr minmax(400px, 480px); gap: 48px; } }
.notice { margin-top: 28px; padding: 14px 16px; border-radius: 8px; background: var(--panel); border-left: 3px solid var(--quiet); overflow-wrap: anywhere; font-size: 15px; }
.notice + .notice { margin-top: 12px; }
.notice.bad { border-left-color: var(--bad); }
.notice.going { border-left-color: var(--accent); }

.charts, .columns { display: grid; gap: 36px 24px; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 700px) { .charts { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (min-width: 1000px) { .charts { grid-template-columns: repeat(3, minmax(0, 1fr)); } .columns { grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 36px 56px; } }
.chart { max-width: 400px; }
.chart figcaption { display: flex; flex-wrap: wrap; gap: 0 14px; align-items: baseline; margin-bottom: 8px; font-size: 13px; color: var(--muted); min-height: 21px; }
.chart figcaption strong { font-size: 14px; font-weight: 600; color: var(--ink); }
.chart svg { display: block; width: 100%; height: auto; overflow: visible; }
.key { white-space: nowrap; }
.key::before { content: ''; display: inline-block; width: 12px; height: 0; border-top: 2.5px solid var(--color); vertical-align: .26em; margin-right: 5px; border-radius: 2px; }
.under { margin-top: 8px; font-size: 13px; color: var(--muted); }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 500; color: var(--muted); font-size: 13px; }
th, td { padding: 8px 16px 8px 0; border-bottom: 1px solid var(--line); vertical-align: baseline; }
td.number, th.number { text-align: right; }
tr > :last-child { padding-right: 0; }
td code { font-size: 13px; overflow-wrap: anywhere; }
.pipeline td:first-child { color: var(--muted); white-space: nowrap; width: 112px; }
.pipeline b { font-weight: 600; }
.pipeline code { color: var(--muted); }
@media (max-width: 560px) { .pipeline td:first-child { width: 78px; white-space: normal; } }

.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(76px, 1fr)); gap: 22px 12px; list-style: none; }
.pictures img { display: block; width: 100%; height: auto; max-width: 128px; image-rendering: pixelated; border-radius: 3px; background: var(--panel); }
.pictures img + img { margin-top: 4px; }
.pictures p { margin-top: 6px; font-size: 12px; line-height: 1.35; color: var(--muted); overflow-wrap: anywhere; max-width: 128px; }
.pictures b { color: var(--ink); font-weight: 600; }
.pictures i { font-style: normal; color: var(--bad); }
.pictures.large { grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); }
@media (min-width: 700px) { .pictures.large { grid-template-columns: repeat(auto-fill, minmax(160px, 1fr)); } }
.pictures.large img { image-rendering: auto; }
.pictures.large img, .pictures.large p { max-width: 224px; }
.group + .group { margin-top: 36px; }
.group > h3 { margin-bottom: 12px; }
.group > h3 span { font-weight: 400; color: var(--muted); }

${classesStyle}
.settings { display: grid; gap: 32px 56px; grid-template-columns: minmax(0, 1fr); font-size: 14px; }
.settings h3 { margin-bottom: 8px; }
.settings dl > div { display: grid; grid-template-columns: minmax(110px, 40%) 1fr; gap: 12px; padding: 7px 0; border-top: 1px solid var(--line); }
.settings dt { color: var(--muted); overflow-wrap: anywhere; }
.settings dd { overflow-wrap: anywhere; min-width: 0; }
@media (min-width: 860px) { .settings { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 32px; } }
pre { margin: 0; padding: 14px 16px; background: var(--panel); border-radius: 8px; font-size: 14px; white-space: pre-wrap; overflow-wrap: anywhere; }
pre + p { margin-top: 10px; color: var(--muted); font-size: 14px; }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 3px; background: var(--color); margin-right: 8px; }
.runs td, .runs th { white-space: nowrap; }
.runs td b { font-weight: 650; }
.best { font-weight: 650; }
.keys { display: flex; flex-wrap: wrap; gap: 4px 18px; margin-top: 16px; list-style: none; font-size: 14px; }
.differences td, .differences th { min-width: 92px; max-width: 260px; overflow-wrap: anywhere; }
.differences tbody th { min-width: 120px; }
details { margin-top: 24px; }
summary { cursor: pointer; font-size: 14px; color: var(--muted); }
details .scroll { margin-top: 12px; }
.epochs td, .epochs th { text-align: right; white-space: nowrap; }
.epochs tr > :first-child { text-align: left; }
footer { margin-top: 72px; color: var(--muted); font-size: 13px; }
`.trim()
