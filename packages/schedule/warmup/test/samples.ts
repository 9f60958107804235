// Options with which a run of a few steps shows what the tricks do.
import { cosineDecay } from '@tricks/cosine-decay'

export const samples = () => ({
  warmup: { multiplier: 4, over: { steps: 7 }, after: cosineDecay() },
  constantWarmup: { over: { steps: 7 } },
})
