// Messages between the page and its worker.
import type { Item } from '../playground/state.ts'

/** The user's pictures: files, which are read when they are needed. */
export interface Pictures {
  readonly files: readonly File[]
  /** One class index per file. */
  readonly labels: readonly number[]
}

export interface Collected {
  readonly classes: readonly string[]
  readonly train: Pictures
  /** Absent if the folders contain no test set: then a part of `train` is held out. */
  readonly test?: Pictures
}

export type BackendName = 'webgpu' | 'webgl' | 'wasm'

/** Sent to the worker. */
export type Request =
  | { readonly kind: 'fit'; readonly data: Collected; readonly backend: BackendName | 'auto' }
  | { readonly kind: 'tune'; readonly epochs: number; readonly tricks: readonly Item[] }
  | { readonly kind: 'stop' }
  | { readonly kind: 'predict'; readonly picture: Blob; readonly id: number }
  | { readonly kind: 'save' }

/** Predictions for pictures that were not trained on. */
export interface Evaluation {
  readonly accuracy: number
  /** `[pictures, classes]`, row by row. */
  readonly logits: Float32Array
  readonly labels: Int32Array
  /** The files, in the order of the rows. */
  readonly files: readonly File[]
  /** Whether the pictures are the folder's test set; otherwise they were held out. */
  readonly tested: boolean
}

/** Sent to the page. */
export type Report =
  | { readonly kind: 'backend' | 'notice'; readonly text: string }
  | {
      readonly kind: 'progress'
      readonly what: string
      readonly done: number
      readonly total: number
    }
  | { readonly kind: 'broken'; readonly names: readonly string[] }
  | { readonly kind: 'fitted'; readonly evaluation: Evaluation; readonly seconds: number }
  | {
      readonly kind: 'epoch'
      readonly epoch: number
      readonly training: number
      readonly validation: number
    }
  | {
      readonly kind: 'tuned'
      readonly evaluation: Evaluation
      readonly seconds: number
      /** The user ended it early. */
      readonly stopped: boolean
      /** Fine-tuning was undone, as it lowered the accuracy on held-out pictures. */
      readonly restored: boolean
    }
  | {
      readonly kind: 'predicted'
      readonly id: number
      readonly probabilities: readonly number[]
    }
  | {
      readonly kind: 'saved'
      readonly files: readonly { readonly name: string; readonly blob: Blob }[]
    }
  | { readonly kind: 'failed'; readonly during: Request['kind']; readonly message: string }
