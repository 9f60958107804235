// npm run cards: writes the options tables of the cards, and the list of packages in the README.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cards } from './options.ts'
import { packages, readmeWith } from './packages.ts'

const root = join(import.meta.dirname, '../..')
for (const [card, text] of await cards()) writeFileSync(join(root, card), text)
const readme = join(root, 'README.md')
writeFileSync(readme, readmeWith(readFileSync(readme, 'utf8'), packages))
