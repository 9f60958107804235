import type { RunRecord } from '@tricks/run/record'
import { html, type Html } from '../html.ts'
import { absent, section } from './document.ts'
import { tricksOf } from './facts.ts'

/** The tricks, by stage. */
export function pipeline(record: RunRecord): Html {
  const rows = tricksOf(record)
  if (rows.length === 0)
    return section(
      'pipeline',
      'Pipeline',
      undefined,
      absent(record.run.pipeline ? 'The run used no tricks.' : 'The pipeline was not recorded.'),
    )
  return section(
    'pipeline',
    'Pipeline',
    'The tricks in the order in which a step applies them, with all options.',
    html`<div class="scroll">
      <table class="pipeline">
        <tbody>
          ${rows.map(
            ({ stage, name, options }) =>
              html`<tr>
                <td>${stage}</td>
                <td><b>${name}</b> <code>${options}</code></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`,
  )
}
