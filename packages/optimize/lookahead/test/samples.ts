// The trick wraps an optimizer, so it needs more than options.
import { sgd } from '@tricks/sgd'
import { lookahead, type LookaheadOptions } from '../src/index.ts'

export const makers = {
  lookahead: (options: LookaheadOptions) => lookahead(sgd({ learningRate: 0.1 }), options),
}
