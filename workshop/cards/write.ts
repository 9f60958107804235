// npm run cards: writes the options tables of the cards, the README's table of tricks and docs/packages.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cards } from './options.ts'
import { measured, packages, packagesPageWith, readmeWith } from './packages.ts'

const root = join(import.meta.dirname, '../..')
for (const [card, text] of await cards()) writeFileSync(join(root, card), text)
const rewrite = (path: string, write: (text: string) => string): void =>
  writeFileSync(join(root, path), write(readFileSync(join(root, path), 'utf8')))
rewrite('README.md', (readme) => readmeWith(readme, packages, measured))
rewrite('docs/packages.md', (page) => packagesPageWith(page, packages))
