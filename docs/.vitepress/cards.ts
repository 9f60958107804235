// The packages' READMEs as pages of the site, read in place.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize, relative } from 'node:path'

export const root = join(import.meta.dirname, '../..')

export interface Card {
  readonly name: string
  readonly stage: string
  readonly folder: string
  readonly file: string
  readonly description: string
}

/** The groups of cards, in the order of a step. */
export const groups = [
  { title: 'Images', stages: ['augment'] },
  { title: 'Mix, targets and loss', stages: ['mix', 'loss'] },
  { title: 'Learning rate and update', stages: ['schedule', 'optimize'] },
  { title: 'Model', stages: ['model'] },
  { title: 'Evaluation', stages: ['evaluate'] },
  { title: 'Core and training', stages: ['core', 'train'] },
  { title: 'Data', stages: ['data'] },
  { title: 'Backends', stages: ['backend'] },
  { title: 'Tools', stages: ['tools'] },
  { title: 'Examples and benchmarks', stages: ['example', 'bench'] },
] as const satisfies readonly { title: string; stages: readonly string[] }[]

const file = 'README.md'
const outside = [
  {
    name: 'contributing',
    stage: 'tools',
    folder: '.',
    file: 'CONTRIBUTING.md',
    description: 'How to add a trick in ten minutes, and the requirements for its acceptance',
  },
  {
    name: 'cifar10-example',
    stage: 'example',
    folder: 'examples/cifar10',
    file,
    description: 'The full run on CIFAR-10, with all tricks of the article',
  },
  {
    name: 'benchmarks',
    stage: 'bench',
    folder: 'bench',
    file,
    description: 'Speed and accuracy, compared with PyTorch, torchvision and kornia',
  },
  {
    name: 'ablation-results',
    stage: 'bench',
    folder: 'bench/ablation',
    file,
    description: 'The effect of each trick of the article, over paired seeds',
  },
  {
    name: 'other-tricks-results',
    stage: 'bench',
    folder: 'bench/ablation/others',
    file,
    description: 'The effect of each other trick, over paired seeds',
  },
  {
    name: 'tuned-list',
    stage: 'bench',
    folder: 'bench/tuned',
    file,
    description: 'The search that found the recipe tuned, and its gain',
  },
]

export const cards: readonly Card[] = [
  ...globSync(['packages/core/package.json', 'packages/*/*/package.json'], { cwd: root })
    .map(dirname)
    .filter((folder) => existsSync(join(root, folder, 'README.md')))
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
        description: string
      }
      const stage = folder.split('/')[1]!
      return { name: basename(folder), stage, folder, file, description: manifest.description }
    }),
  ...outside.filter((each) => existsSync(join(root, each.folder, each.file))),
].toSorted((a, b) => a.name.localeCompare(b.name))

/** The card at a path of the repository: a package's folder, or the file itself. */
export const cardAt = (path: string): Card | undefined =>
  cards.find((each) => [each.folder, join(each.folder, each.file)].includes(normalize(path)))

const catalogue = join(import.meta.dirname, '../generated/catalogue.json')
/** The packages that the playground shows, from docs/prepare.ts; empty until it has run. */
const playable = new Set(
  existsSync(catalogue)
    ? (JSON.parse(readFileSync(catalogue, 'utf8')) as { package: string }[]).map(
        (entry) => entry.package,
      )
    : [],
)

/** A small playground, before the card's first section. */
const withPlayground = (name: string, content: string): string =>
  playable.has(name)
    ? content.replace(
        /^## /m,
        `## Try it\n\n<ClientOnly><Playground only="${name}" /></ClientOnly>\n\n$&`,
      )
    : content

const link = /(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\((?!https?:|#|mailto:)([^)\s]+)\)/g

/**
 * A README with its links rewritten for the site: links to cards lead to their pages, pictures are read in place, and
 * links to files without a page become plain text.
 */
export function contentOf({ name: own, folder, file: name }: Card): string {
  const picture = (path: string): string =>
    relative(join(root, 'docs/cards'), join(root, folder, path))
  return withPlayground(own, readFileSync(join(root, folder, name), 'utf8'))
    .replaceAll(
      /(<(?:img|source) [^>]*(?:src|srcset)=")(?!https?:)([^"]+)/g,
      (_, before, path) => String(before) + picture(String(path)),
    )
    .replaceAll(link, (_, image: string, text: string, target: string) => {
      const [path, hash = ''] = target.split('#')
      if (image) return `![${text}](${picture(path!)})`
      const card = cardAt(join(folder, path!))
      if (card) return `[${text}](/cards/${card.name}${hash && `#${hash}`})`
      return text.startsWith('`') ? text : `\`${text}\``
    })
}
