// Options that make the tricks act within a few steps.
import { cosineDecay } from '@tricks/cosine-decay'

export const samples = () => ({
  warmup: { multiplier: 4, over: { steps: 7 }, after: cosineDecay() },
  constantWarmup: { over: { steps: 7 } },
})
