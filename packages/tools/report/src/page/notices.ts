import type { RunRecord } from '@tricks/run/record'
import { count, counted } from '../format.ts'
import { html, type Html } from '../html.ts'
import { notice } from './document.ts'

/** Warnings about a run that failed, was interrupted, or skipped steps. */
export function notices({ state, alive, run, damage }: RunRecord): Html {
  const { skipped = 0, error = 'no reason was recorded', wallClock } = run
  const resumed = (wallClock?.resumed ?? []).map(({ steps }) => count(steps))
  return html`${[
    state === 'failed' && notice('bad', `The run failed: ${error}`),
    state === 'running' &&
      (alive === false
        ? notice(
            'bad',
            'The run exited unexpectedly: it was killed, or the machine stopped. Resume it from its last checkpoint with tricks resume and its folder.',
          )
        : notice('going', 'The run was not finished when this page was made.')),
    resumed.length > 0 &&
      notice(
        '',
        `Stopped and resumed, after ${resumed.length === 1 ? 'step' : 'steps'} ${resumed.join(', ')}.`,
      ),
    skipped > 0 &&
      notice('bad', `${counted(skipped, 'step')} skipped: a loss or gradient was NaN or infinite.`),
    ...damage.map((what) => notice('bad', what)),
  ]}`
}
