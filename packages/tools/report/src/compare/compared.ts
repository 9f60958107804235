import type { RunRecord } from '@tricks/run/record'
import { html, type Html } from '../html.ts'
import type { Curves } from '../page/curves.ts'
import type { RunSummary } from '../page/summary.ts'

/** A run in a comparison. */
export interface Compared {
  readonly record: RunRecord
  readonly summary: RunSummary
  readonly curves: Curves
  readonly color: string
}

export const swatch = (color: string): Html =>
  html`<span class="swatch" style="--color:var(${color})"></span>`
