// Links between guides, cards and sources lead somewhere, in a copy of the repository and on the site.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { cardAt, cards } from '../../docs/.vitepress/cards.ts'
import { root } from './blocks.ts'

const pages = globSync(
  ['*.md', '*/*.md', 'bench/*/*.md', 'docs/**/*.md', 'examples/*/README.md', 'packages/*/*/*.md'],
  { cwd: root, exclude: ['**/node_modules/**', 'docs/reference/**'] },
)
const textOf = (path: string): string =>
  readFileSync(join(root, path), 'utf8').replaceAll(/^ *```[^]*?^ *```$|`[^`\n]*`/gm, '')

/** The headings of a page as what a link says after #. */
const headingsOf = (path: string): string[] =>
  [...readFileSync(join(root, path), 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[`*_]/g, '')
      .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
      .replaceAll(/^-|-$/g, ''),
  )

/** The page that an address of the site is made from. */
function sourceOf(address: string): string | undefined {
  const card = cards.find(({ name }) => address === `/cards/${name}`)
  if (card) return join(card.folder, card.file)
  if (address.startsWith('/reference/')) return 'docs/index.md'
  return ['.md', 'index.md', '/index.md']
    .map((end) => `docs${address}${end}`)
    .find((path) => existsSync(join(root, path)))
}

test.each(pages)('%s', (page) => {
  const text = textOf(page)
  const targets = [
    ...[...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!),
    ...[...text.matchAll(/<(?:img|source) [^>]*src(?:set)?="([^"]+)"/g)].map(([, to]) => to!),
    ...[...text.matchAll(/^ +link: (\/\S+)$/gm)].map(([, target]) => target!),
  ].filter((target) => !/^(https?:|mailto:)/.test(target))
  const dead = targets.filter((target) => {
    const [path, hash] = target.split('#')
    const to =
      path === '' ? page : path!.startsWith('/') ? sourceOf(path!) : join(dirname(page), path!)
    if (to === undefined || !existsSync(join(root, to))) return true
    // On the site a guide's link to a page of the repository needs a page, or the build fails.
    if (
      page.startsWith('docs/guide/') &&
      to.endsWith('.md') &&
      !to.startsWith('docs/') &&
      !cardAt(to)
    )
      return true
    return hash !== undefined && to.endsWith('.md') && !headingsOf(to).includes(hash)
  })
  expect(dead).toEqual([])
})

test.each(pages)('%s has front matter that the site can read, or none', (page) => {
  const text = readFileSync(join(root, page), 'utf8')
  if (text.startsWith('---')) expect(text).toMatch(/^---\n[^]*?\n---\n/)
})
