import type { RunRecord } from '@tricks/run/record'
import type { Series } from '../charts/line-chart.ts'
import { html, type Html } from '../html.ts'
import { curves, curvesOf } from './curves.ts'
import { section } from './document.ts'
import type { RunSummary } from './summary.ts'

/** Speed, time and memory during the run. */
export function time(record: RunRecord, summary: RunSummary): Html {
  const { x, length, speed, seconds, memory } = curvesOf(record, summary)
  const { hardware, backend = 'unknown' } = record.run
  const chart = (
    id: string,
    title: string,
    points: Series['points'],
    { dots = true, unit = '' } = {},
  ): Html =>
    curves({
      id,
      title,
      x,
      y: { min: 0, unit },
      ...(length !== undefined && { epochs: length }),
      series: [
        {
          name: title.toLowerCase(),
          color: '--ink',
          points,
          dots,
          thin: !dots,
        },
      ],
    })
  return section(
    'time',
    'Time and memory',
    hardware && `${hardware}, backend ${backend}`,
    html`<div class="body charts">
      ${chart('speed', 'Images per second', speed, { dots: false })}${chart('seconds', 'Seconds per epoch', seconds)}${chart('memory', 'Resident memory', memory, { unit: ' MB' })}
    </div>`,
  )
}
