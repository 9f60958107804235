import { optimizerConformance, optimizerSteps } from '@tricks/conformance'
import { sgd } from '../src/index.ts'
import fixture from './fixtures/sgd.json' with { type: 'json' }

optimizerSteps(fixture, (params) => sgd(params))

optimizerConformance(
  () => sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  {
    invalid: [
      () => sgd({ learningRate: -1 }),
      () => sgd({ learningRate: NaN }),
      () => sgd({ learningRate: '0.1' as never }),
      () => sgd({ weightDecay: -1 }),
      () => sgd({ rate: 0.1 } as never),
      () => sgd(null as never),
      () => sgd({ momentum: 1 }),
      () => sgd({ nesterov: true }),
      () => sgd({ momentum: 0.9, nesterov: 1 as never }),
    ],
  },
)

optimizerConformance(() => sgd())
