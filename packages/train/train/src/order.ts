import type { Random } from '@tricks/core'

/**
 * The order of an epoch that uses all classes equally often: rounds of one image per class, with random orders of the
 * classes and of each class's images. Small classes repeat their images; large ones use different images in the next
 * epoch.
 *
 * @param labels one per image
 * @param random the epoch's stream
 * @returns one index per label
 */
export function balancedOrder(labels: ArrayLike<number>, random: Random): Int32Array {
  const members = new Map<number, number[]>()
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!
    const known = members.get(label)
    if (known) known.push(i)
    else members.set(label, [i])
  }
  const classes = [...members.keys()].toSorted((a, b) => a - b)
  const turns = new Map(
    classes.map((label) => [label, turnsOf(members.get(label)!, random.fork(`class ${label}`))]),
  )
  const rounds = random.fork('rounds')
  const order: number[] = []
  while (order.length < labels.length)
    for (const i of rounds.permutation(classes.length))
      if (order.length < labels.length) order.push(turns.get(classes[i]!)!())
  return Int32Array.from(order)
}

/**
 * The order of an epoch with copies of each image in succession, of the same length: repeated augmentation, as timm's
 * `RepeatAugSampler` on one device.
 */
export const repeatedOrder = (order: Int32Array, repeats: number): Int32Array =>
  repeats === 1 ? order : order.map((_, i) => order[Math.floor(i / repeats)]!)

/** Returns indices in turn, each of them once before any is repeated. */
function turnsOf(places: readonly number[], random: Random): () => number {
  let left: number[] = []
  return () => {
    if (left.length === 0) left = Array.from(random.permutation(places.length), (i) => places[i]!)
    return left.pop()!
  }
}
