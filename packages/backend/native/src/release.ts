// Memory during the backward pass.
import * as tf from '@tensorflow/tfjs-core'
import { backendName } from './kernels/op.ts'

/** `tf.env().set('NATIVE_RELEASE', false)` leaves tfjs as it is. */
export const releaseFlag = 'NATIVE_RELEASE'

/** What is used of tfjs's engine, which its types keep private. */
interface Engine {
  readonly state: {
    readonly gradientDepth: number
    readonly activeTape: TapeNode[]
    readonly activeScope: { readonly id: number } | null
  }
  addTapeNode(...args: unknown[]): void
}
interface TapeNode {
  readonly saved?: readonly tf.Tensor[]
  gradient?: (dys: readonly (Tracked | null)[]) => Record<string, () => tf.Tensor>
}
type Tracked = tf.Tensor & { readonly kept: boolean; readonly scopeId: number }

const installed = new WeakSet<Engine>()

/**
 * Lets go of what a step back no longer needs, as soon as the next step back begins: what the forward pass saved for
 * it, and the gradient that came in. tfjs itself keeps all of them until the last step, so that activations and their
 * gradients are in memory together, and a net takes almost twice as much.
 *
 * Gradients of gradients walk a tape twice, so nothing is let go of while they are recorded.
 */
export function releaseEarly(): void {
  const engine = tf.engine() as unknown as Engine
  if (installed.has(engine)) return
  installed.add(engine)
  tf.env().registerFlag(releaseFlag, () => true)
  const { addTapeNode } = engine
  let done: readonly tf.Tensor[] = []
  engine.addTapeNode = (...args) => {
    addTapeNode.apply(engine, args)
    const node = engine.state.activeTape.at(-1)!
    const { gradient, saved = [] } = node
    if (!gradient) return
    node.gradient = (dys) => {
      const { gradientDepth, activeScope } = engine.state
      const release =
        gradientDepth === 0 && tf.getBackend() === backendName && tf.env().getBool(releaseFlag)
      if (!release) return gradient(dys)
      tf.dispose([...done])
      // Only gradients that this pass has made: what the user hands in stays.
      const own = dys.filter((dy) => dy && !dy.kept && dy.scopeId === activeScope?.id)
      const incoming = new Set(own as tf.Tensor[])
      done = []
      const byInput = Object.entries(gradient(dys)).map(([name, make]) => {
        const made = () => {
          const dx = make()
          // Handed on as it came in.
          incoming.delete(dx)
          done = [...saved, ...incoming]
          return dx
        }
        return [name, made] as const
      })
      return Object.fromEntries(byInput)
    }
  }
}
