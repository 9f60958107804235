import { html, type Html } from '../html.ts'
import { absent, section } from '../page/document.ts'
import { factsOf, tricksOf } from '../page/facts.ts'
import { type Compared, swatch } from './compared.ts'

/** A run's configuration, one line per setting and trick. */
const settingsOf = ({ record }: Compared): Map<string, string> =>
  new Map([
    ...Object.values(factsOf(record)).flat(),
    ...tricksOf(record).map(
      ({ stage, name, options }) => [`${stage} · ${name}`, options || 'yes'] as const,
    ),
  ])

/** The differences between the runs' configurations. */
export function differences(runs: readonly Compared[]): Html {
  const settings = runs.map(settingsOf)
  const names = [...new Set(settings.flatMap((each) => [...each.keys()]))]
  const different = names.filter(
    (name) => new Set(settings.map((each) => each.get(name) ?? '–')).size > 1,
  )
  if (different.length === 0)
    return section(
      'differences',
      'Differences',
      undefined,
      absent('None: the configurations are identical.'),
    )
  return section(
    'differences',
    'Differences',
    'Settings and tricks that differ between the runs.',
    html`<div class="scroll">
      <table class="differences">
        <thead>
          <tr>
            <th></th>
            ${runs.map(({ record, color }) => html`<th scope="col">${swatch(color)}${record.name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${different.map(
            (name) =>
              html`<tr>
                <th scope="row">${name}</th>
                ${settings.map((each) => html`<td>${each.get(name) ?? '–'}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`,
  )
}
