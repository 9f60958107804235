// The results of the ablation, from bench/ablation/summary.json.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './cards.ts'

interface Estimate {
  readonly mean: number
  /** Half of the 95 % interval; null for a single pair. */
  readonly interval: number | null
}
export interface Comparison {
  readonly name: string
  readonly kind: 'added' | 'left out'
  readonly remark?: string
  readonly n: number
  readonly with: Estimate
  readonly without: Estimate
  readonly effect: Estimate
  readonly cost: number
}
export interface Ablation {
  readonly regime: {
    readonly epochs: number
    readonly trainingImages: number
    readonly measuredImages: number
  }
  readonly machines: readonly string[]
  readonly comparisons: readonly Comparison[]
}
declare const data: Ablation
export { data }

export default {
  watch: ['../../bench/ablation/*.json'],
  load: (): Ablation =>
    JSON.parse(readFileSync(join(root, 'bench/ablation/summary.json'), 'utf8')) as Ablation,
}
