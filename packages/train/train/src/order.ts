import type { Random } from '@tricks/core'

/**
 * The order of an epoch in which all classes come equally often, whatever they have: in rounds of one image per class, in a
 * random order of the classes and of the images of each. A small class begins again where its images end, and a large one shows
 * others of its images in the next epoch.
 *
 * @param labels one per image
 * @param random the epoch's
 * @returns as many places as there are labels
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

/** Gives one after the other, all of them before any comes again. */
function turnsOf(places: readonly number[], random: Random): () => number {
  let left: number[] = []
  return () => {
    if (left.length === 0) left = Array.from(random.permutation(places.length), (i) => places[i]!)
    return left.pop()!
  }
}
