// The content of the card's picture.
import { cosineDecay } from '@tricks/cosine-decay'
import { stepDecay } from '@tricks/step-decay'
import { constantWarmup, warmup } from '../src/index.ts'

export const curves = [
  {
    name: 'warmup, then cosineDecay',
    of: [warmup({ multiplier: 8, over: { epochs: 5 }, after: cosineDecay() })],
    rate: 0.0125,
  },
  {
    name: 'constantWarmup, stepDecay',
    of: [
      constantWarmup({ over: { epochs: 2 } }),
      stepDecay({ milestones: [{ fraction: 0.5 }, { fraction: 0.75 }] }),
    ],
  },
]
