import type { PredictionRecord, RunRecord } from '@tricks/run/record'

/** The predictions shown on a page: of the test images, or without them of the validation images. */
export interface Evaluated {
  readonly set: 'test' | 'validation'
  readonly predictions: PredictionRecord
}

export function evaluatedOf({ test, validation }: RunRecord): Evaluated | undefined {
  if (test) return { set: 'test', predictions: test }
  return validation && { set: 'validation', predictions: validation }
}

/** The reason why a run has no predictions. */
export function whyUnevaluated({ run, state }: RunRecord): string {
  const { data, validation } = run
  if (data?.testImages === 0 && validation === 0)
    return 'The data has no test images, and none were held out for validation.'
  const ended = !['running', 'failed', 'aborted', 'unknown'].includes(state)
  return ended ? 'No predictions were recorded.' : 'Predictions are recorded at the end of a run.'
}

/** Class names by index. */
export function classNames(record: RunRecord): string[] {
  const names = record.run.classes ?? []
  const predictions = evaluatedOf(record)?.predictions
  const count = predictions ? predictions.logits.length / predictions.labels.length : 0
  return Array.from({ length: Math.max(names.length, count) }, (_, i) => names[i] ?? `class ${i}`)
}
