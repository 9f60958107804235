import type { ProgressView } from '@tricks/run'
import type { ImageSet } from '@tricks/train'

/** Smaller ratios aren't reported. */
const uneven = 1.5

/** Reports if some classes have many more images than others. */
export function reportImbalance(
  set: ImageSet,
  balance: boolean | undefined,
  view: Pick<ProgressView, 'say'>,
): void {
  const { classes } = set
  const counts = countsOf(set)
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)]
  if (most < uneven * fewest) return
  const named = (count: number): string => `${count} (${classes[counts.indexOf(count)]})`
  const remedy = balance
    ? '--balance weights them equally.'
    : 'Pass --balance to weight them equally.'
  view.say(`Classes    uneven: ${named(fewest)} to ${named(most)} training images. ${remedy}`)
}

/** Images of each class. */
export function countsOf({ labels, classes }: ImageSet): number[] {
  const counts = Array<number>(classes.length).fill(0)
  for (let i = 0; i < labels.length; i++) counts[labels[i]!]!++
  return counts
}
