import type { Random } from '@tricks/core'

/** The same stream, with `onDraw` called with the stream on each draw. */
export function listening(random: Random, onDraw: (stream: Random) => void): Random {
  const drawn = <T>(value: T): T => {
    onDraw(random)
    return value
  }
  const of = (inner: Random): Random => listening(inner, onDraw)
  return {
    uniform: (low, high) => drawn(random.uniform(low, high)),
    integer: (low, high) => drawn(random.integer(low, high)),
    normal: (mean, deviation) => drawn(random.normal(mean, deviation)),
    beta: (alpha, beta) => drawn(random.beta(alpha, beta)),
    permutation: (size) => drawn(random.permutation(size)),
    fork: (name) => of(random.fork(name)),
    at: (step, first) => of(random.at(step, first)),
    image: (i) => of(random.image(i)),
    images: (size, draw) => random.images(size, (image, i) => draw(of(image), i)),
    position: () => drawn(random.position()),
  }
}
