import type { RunRecord } from '@tricks/run/record'
import { html, type Html } from '../html.ts'
import { absent, section } from './document.ts'
import { factsOf } from './facts.ts'

/** The run's configuration, and the command that repeats it. */
export function configuration(record: RunRecord): Html {
  const groups = Object.entries(factsOf(record)).filter(([, rows]) => rows.length > 0)
  const { command } = record.run
  return html`${section(
    'configuration',
    'Configuration',
    undefined,
    groups.length === 0
      ? absent('The configuration is unknown.')
      : html`<div class="body settings">
          ${groups.map(
            ([title, rows]) =>
              html`<div>
                <h3>${title}</h3>
                <dl>
                  ${rows.map(
                    ([name, value]) =>
                      html`<div>
                        <dt>${name}</dt>
                        <dd>${value}</dd>
                      </div>`,
                  )}
                </dl>
              </div>`,
          )}
        </div>`,
  )}${section(
    'again',
    'Command',
    undefined,
    command === undefined
      ? absent('The command was not recorded.')
      : html`<div class="body">
          <pre><code>${command}</code></pre>
          <p>The same seed on the same backend gives the same weights, bit for bit.</p>
        </div>`,
  )}`
}
