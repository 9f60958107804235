import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import sharp from 'sharp'

/** Files by path; true is a small picture. */
export type Tree = Readonly<Record<string, Buffer | string | true>>

const picture = await sharp({ create: { width: 6, height: 6, channels: 3, background: '#c86432' } })
  .png()
  .toBuffer()

/** Writes files with their folders. A path ending in a slash is an empty folder. */
export function write(folder: string, tree: Tree): string {
  mkdirSync(folder, { recursive: true })
  for (const [path, content] of Object.entries(tree)) {
    const file = join(folder, path)
    mkdirSync(path.endsWith('/') ? file : dirname(file), { recursive: true })
    if (!path.endsWith('/')) writeFileSync(file, content === true ? picture : content)
  }
  return folder
}

/** The given number of small pictures in a folder. */
export const pictures = (folder: string, count: number): Tree =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${folder}/${i}.png`, true]))
