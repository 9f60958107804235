#!/usr/bin/env node
// Publishes unpublished packages with changesets; arguments are passed on. For provenance, npm requires a package to
// name the repository that it was built in, which a workflow knows and which differs in a fork: it is written to the
// manifests temporarily.
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const { GITHUB_REPOSITORY: repository, GITHUB_SERVER_URL: server = 'https://github.com' } =
  process.env
const originals = new Map(
  globSync(['packages/core/package.json', 'packages/*/*/package.json'], { cwd: root }).map(
    (path) => [path, readFileSync(join(root, path), 'utf8')],
  ),
)
const restore = () => {
  for (const [path, text] of originals) writeFileSync(join(root, path), text)
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))
process.once('exit', restore)

if (repository !== undefined)
  for (const [path, text] of originals) {
    const url = `git+${server}/${repository}.git`
    const manifest = {
      ...JSON.parse(text),
      repository: { type: 'git', url, directory: dirname(path) },
    }
    writeFileSync(join(root, path), `${JSON.stringify(manifest, undefined, 2)}\n`)
  }
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { status } = spawnSync(
  'npx',
  ['--yes', packageManager, 'exec', 'changeset', 'publish', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
)
process.exitCode = status ?? 1
