import type { Precision } from '@tricks/train'

/** The settings that all trials of a search share. */
export interface TuneSetup {
  readonly recipe: string
  readonly data: string
  readonly size: number
  readonly skipBroken: boolean
  readonly backend: string
  readonly precision: Precision
  /** Epochs of a whole run; a trial's budget may be smaller. */
  readonly epochs: number
  /** Numbers of images; `test` is 0 if the data has its own test images. */
  readonly images: { readonly training: number; readonly validation: number; readonly test: number }
}
