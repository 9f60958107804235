import { readFileSync, writeFileSync } from 'node:fs'
import { useAll } from './uses.cjs'

writeFileSync(
  'done.json',
  JSON.stringify(
    await useAll((name) => import(name), JSON.parse(readFileSync('names.json', 'utf8'))),
  ),
)
process.exit()
