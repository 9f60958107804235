// Reduces memory use in the backward pass.
import * as tf from '@tensorflow/tfjs-core'
import { backendName } from './kernels/op.ts'

/** The flag of early release: `tf.env().set('NATIVE_RELEASE', false)` disables it. */
export const releaseFlag = 'NATIVE_RELEASE'

/** The private parts of tfjs's engine that are used here. */
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

/** The gradients that the current backward step receives, if nothing reads them after it. */
let ending: ReadonlySet<tf.Tensor> = new Set()

/**
 * Whether nothing reads a tensor after the current backward step, so that a kernel which reads it once may overwrite it, unless
 * other tensors share its data.
 */
export const isLastUse = (tensor: tf.Tensor): boolean => ending.has(tensor)

/**
 * Frees what a backward step no longer needs as soon as the next one begins: the tensors saved by the forward pass, and
 * the incoming gradient. tfjs itself keeps all of them until the last step, so that activations and their gradients are
 * in memory together, and a network takes almost twice as much.
 *
 * Gradients of gradients traverse a tape twice, so nothing is freed while they are recorded.
 */
export function releaseEarly(): void {
  const engine = tf.engine() as unknown as Engine
  if (installed.has(engine)) return
  installed.add(engine)
  tf.env().registerFlag(releaseFlag, () => true)
  const { addTapeNode } = engine
  let done: readonly tf.Tensor[] = []
  /** Gradients of several inputs. */
  const shared = new WeakSet<tf.Tensor>()
  engine.addTapeNode = (...args) => {
    addTapeNode.apply(engine, args)
    const node = engine.state.activeTape.at(-1)!
    const { gradient, saved = [] } = node
    if (!gradient) return
    node.gradient = (dys) => {
      const { gradientDepth, activeScope } = engine.state
      const release =
        gradientDepth === 0 && tf.getBackend() === backendName && tf.env().getBool(releaseFlag)
      if (!release) {
        ending = new Set()
        return gradient(dys)
      }
      tf.dispose([...done])
      // Only gradients created by this pass: the user's own tensors are kept.
      const own = dys.filter((dy) => dy && !dy.kept && dy.scopeId === activeScope?.id)
      const incoming = new Set(own.filter((dy) => !shared.has(dy!)) as tf.Tensor[])
      const outgoing = new Set<tf.Tensor>()
      ending = incoming
      done = []
      const byInput = Object.entries(gradient(dys)).map(([name, make]) => {
        const made = () => {
          const dx = make()
          // Passed on unchanged.
          incoming.delete(dx)
          if (outgoing.has(dx)) shared.add(dx)
          outgoing.add(dx)
          done = [...saved, ...incoming]
          return dx
        }
        return [name, made] as const
      })
      return Object.fromEntries(byInput)
    }
  }
}
