import type { RunRecord } from '@tricks/run/record'
import { html, type Html } from '../html.ts'
import { absent, section } from './document.ts'
import { picture, pictureList } from './pictures.ts'

/** Images of a step, before and after the pipeline. */
export function batch({ batch: shown }: RunRecord): Html {
  const title = 'What the network saw'
  if (!shown)
    return section('batch', title, undefined, absent('No pictures of a batch were recorded.'))
  const items = shown.images.map(
    ({ original, seen, label, drawn }) =>
      html`<li>
        ${picture(original, label)}${picture(seen, `${label}, as the network saw it`)}
        <p><b>${label}</b>${drawn.map((line) => html`<br />${line}`)}</p>
      </li>`,
  )
  return section(
    'batch',
    title,
    `Images of step ${shown.step + 1}: the original above, the network's input below, with the tricks' draws.`,
    html`<div class="body">${pictureList(items, shown.images[0]?.original)}</div>`,
  )
}
