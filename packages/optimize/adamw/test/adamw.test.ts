import { optimizerConformance, optimizerSteps } from '@tricks/conformance'
import { adamw } from '../src/index.ts'
import fixture from './fixtures/adamw.json' with { type: 'json' }

optimizerSteps(fixture, (params) => adamw(params))

optimizerConformance(() => adamw({ weightDecay: 0.1 }), {
  invalid: [
    () => adamw({ learningRate: -1 }),
    () => adamw({ learningRate: NaN }),
    () => adamw({ learningRate: '0.1' as never }),
    () => adamw({ weightDecay: -1 }),
    () => adamw({ rate: 0.1 } as never),
    () => adamw(null as never),
    () => adamw({ beta1: 1 }),
    () => adamw({ beta2: -0.1 }),
    () => adamw({ epsilon: 0 }),
  ],
})
