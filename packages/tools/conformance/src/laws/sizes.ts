import { type Law, law, messageOf, reworded } from '../law.ts'
import { describeSize, type Size, sizeOf } from '../scene.ts'
import { checkCalls } from './shapes.ts'

const batches = [1, 2, 7, 33].map((batch) => sizeOf(batch))
const sizes = [sizeOf(3, 13, 8), sizeOf(3, 5, 5), sizeOf(257, 4, 4)]

/** An error from the trick or one inside it. */
const namedMessage = /^\S+: /

/** The last batch of an epoch is short, and images may be non-square or grey. */
export const anySize: Law = law(
  5,
  'takes any batch, any height and width, and one channel or says why not',
  async (subject) => {
    for (const size of [...batches, ...sizes])
      await attempt(
        size,
        () => checkCalls(subject, size),
        // A trick may reject images that are too small, with an error that names it.
        (message) => size.height < 8 && namedMessage.test(message),
        'Work from images.shape, for any batch of at least 1 and any height and width',
      )
    const grey = sizeOf(3, 8, 13, 1)
    await attempt(
      grey,
      () => checkCalls(subject, grey),
      (message) => namedMessage.test(message) && /channel/i.test(message),
      `Work from images.shape[3], or throw an Error '${subject.name}: expected 3 channels, got 1'`,
    )
  },
)

async function attempt(
  size: Size,
  work: () => Promise<void>,
  excused: (message: string) => boolean,
  mend: string,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    const message = messageOf(error)
    if (excused(message)) return
    const words = describeSize(size)
    const where = message.includes(words) ? '' : `with ${words}: `
    throw reworded(error, `${where}${message}. ${mend}`)
  }
}
