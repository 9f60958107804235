// What `npm start` and its sisters run: installs what the command needs, with a line that shows how far it is, then runs it.
// Node 20 and npm are all there is yet, so nothing is imported but Node's own modules.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const pnpm = ['npx', '--yes', 'pnpm@12.21.0']
// Everything runs on Node 24. Where the user's is older, npx fetches one.
const isOld = Number.parseInt(process.versions.node, 10) < 24
const node = ['node', '--conditions=@tricks/source']
if (isOld) node.unshift('npx', '--yes', '--package=node@24.21.0')
const pathOf = (file) => fileURLToPath(new URL(file, import.meta.url))
const [kind = 'start', ...given] = process.argv.slice(2)
// pnpm compares the lockfile with every package's history in the registry, which takes longer than the installation. `setup`
// lets it, for whoever changes the lockfile.
const trusted = '--config.trust-lockfile=true'
// Tests and tools are left out, unless they are there: this would remove them. A filter would fetch those histories, too.
const isComplete = existsSync(pathOf('node_modules/vitest'))
const forExample = isComplete ? [trusted] : ['--prod', trusted]
const example = [...node, '--initial-heap-size=1024', pathOf('examples/cifar10/src/start.ts')]

// Other commands than install can be named, too: `npm run native -- doctor`.
const nativeWords = !given[0] || given[0].startsWith('-') ? ['install', ...given] : given

/** What each command needs installed, and what it runs then. */
const commands = {
  start: { install: forExample, run: [...example, ...given] },
  native: {
    install: forExample,
    run: [...node, pathOf('packages/backend/native/src/cli.ts'), ...nativeWords],
  },
  webgpu: { install: [trusted], run: [...example, '--backend', 'webgpu', ...given] },
  browser: {
    install: [trusted],
    run: [...pnpm, '--silent', '-C', pathOf('examples/browser'), 'start', ...given],
  },
  site: { install: [trusted], run: [...pnpm, '--silent', '-C', pathOf('docs'), 'site', ...given] },
  setup: { install: [] },
}

const { install, run } = commands[kind]
process.exitCode = await installing(install)
if (process.exitCode === 0 && run) process.exitCode = await running(run)

/** Installs what is missing, which takes a second if nothing is. */
async function installing(flags) {
  const began = Date.now()
  const terminal = process.stderr.isTTY
  const packages = { found: 0, fetched: 0 }
  const line = () => {
    const seconds = Math.round((Date.now() - began) / 1000)
    return `Installing from the npm registry: ${packages.fetched} of ${packages.found || '…'} packages, ${seconds} s`
  }
  if (terminal) process.stderr.write(line())
  else if (!existsSync(pathOf('node_modules')))
    process.stderr.write('Installing from the npm registry …\n')
  const show = setInterval(() => terminal && process.stderr.write(`\r${line()}`), 250)
  const later = setInterval(() => !terminal && process.stderr.write(`${line()}\n`), 15_000)
  const log = []
  const child = spawn(
    pnpm[0],
    [...pnpm.slice(1), 'install', '--frozen-lockfile', '--reporter=ndjson', ...flags],
    { stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' },
  )
  // pnpm reports on stderr; npx, which fetches pnpm first, writes plain lines there, too.
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (each) => note(each, packages, log))
  const code = await ended(child)
  clearInterval(show)
  clearInterval(later)
  if (terminal) process.stderr.write('\r\x1b[K')
  if (code !== 0)
    process.stderr.write(`${log.join('\n').trim()}\nThe packages could not be installed.\n`)
  return code
}

/** Counts what pnpm reports, and keeps its errors. */
function note(line, packages, log) {
  let event
  try {
    event = JSON.parse(line)
  } catch {
    log.push(line)
    return
  }
  if (event.name === 'pnpm:progress') {
    if (event.status === 'resolved') packages.found++
    if (['fetched', 'found_in_store'].includes(event.status)) packages.fetched++
  }
  if (event.level === 'error') log.push(event.err?.message ?? event.message ?? line)
}

/** The command itself: what one types, and its signals, go to it. */
async function running([command, ...words]) {
  const child = spawn(command, words, {
    // npm starts this file in the repository; the user may be elsewhere, and names files from there.
    cwd: process.env.INIT_CWD ?? process.cwd(),
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  // A terminal's Ctrl-C reaches the child by itself; this process waits for it to finish.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return ended(child)
}

function ended(child) {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      process.stderr.write(`${error.message}\n`)
      resolve(1)
    })
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)))
  })
}
