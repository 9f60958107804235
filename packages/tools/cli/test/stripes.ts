import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRandom } from '@tricks/core'
import { encode } from 'fast-png'

const recipe = `import { defineRecipe } from '@tricks/run'
import { cosineDecay } from '@tricks/cosine-decay'
import { randomFlip } from '@tricks/random-flip'
import { sgd } from '@tricks/sgd'

export default defineRecipe({
  model: 'plain',
  modelOptions: { widths: [[4], [8]] },
  size: 8,
  epochs: 6,
  batchSize: 8,
  optimizer: () => sgd({ learningRate: 0.0002, momentum: 0.5 }),
  tricks: [randomFlip(), cosineDecay()],
})
`

/** Writes `pictures`, stripes of either direction in noise, and `slow.recipe.ts`, whose rate is too small for them. */
export function paintStripes(root: string): void {
  const random = createRandom(4)
  for (const [name, isRow] of [
    ['rows', true],
    ['columns', false],
  ] as const) {
    mkdirSync(join(root, 'pictures', name), { recursive: true })
    for (let i = 0; i < 90; i++) {
      const phase = random.integer(0, 2)
      const data = Uint8Array.from({ length: 8 * 8 * 3 }, (_, at) => {
        const pixel = Math.floor(at / 3)
        const line = isRow ? pixel >> 3 : pixel & 7
        return 90 + 70 * ((line + phase) % 2) + random.integer(0, 80)
      })
      const file = join(root, 'pictures', name, `${i}.png`)
      writeFileSync(file, encode({ width: 8, height: 8, data, channels: 3 }))
    }
  }
  writeFileSync(join(root, 'slow.recipe.ts'), recipe)
}
