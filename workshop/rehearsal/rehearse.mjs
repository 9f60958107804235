#!/usr/bin/env node
// Publishes all packages to a registry on this machine, with the release command, and uses them as an installer would:
// from ESM and CommonJS, in a page built by Vite, in three versions of TypeScript. Checks the packages with publint and
// attw, and their sizes. Needs the npm registry.
//
//   npm run rehearse               all of it
//   npm run rehearse -- --write    and rewrites the table of sizes
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import sharp from 'sharp'
import { startRegistry } from './registry.mjs'
import { measureSizes, staleIn, tableOf } from './sizes.mjs'

const root = join(import.meta.dirname, '../..')
const read = (path) => JSON.parse(readFileSync(path, 'utf8'))
const { packageManager } = read(join(root, 'package.json'))
const packages = globSync(['packages/core/package.json', 'packages/*/*/package.json'], {
  cwd: root,
})
  .toSorted()
  .map((path) => ({ folder: join(root, dirname(path)), ...read(join(root, path)) }))
  .filter((each) => !each.private)
const names = packages.map(({ name }) => name)

const tool = (name) => join(root, 'workshop/node_modules/.bin', name)
/** Runs a program; its output is shown if it fails. */
function run(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  })
  if (error) throw error
  if (status !== 0)
    throw new Error(`${[program, ...args].join(' ')} exited with ${status}\n${stdout}${stderr}`)
  return stdout
}
const pnpm = (...args) => ['npx', ['--yes', packageManager, ...args]]

const began = Date.now()
const failed = []
/** Reports a failure and continues with the rest. */
async function step(what, work) {
  const from = Date.now()
  const seconds = () => `(${((Date.now() - from) / 1000).toFixed(0)} s)`
  try {
    const detail = await work()
    console.log(`✓ ${what}${detail ? `: ${detail}` : ''} ${seconds()}`)
  } catch (error) {
    failed.push(what)
    console.log(`✗ ${what} ${seconds()}\n${error.message}`)
  }
}

const folder = mkdtempSync(join(tmpdir(), 'rehearsal-'))
// If interrupted, it leaves neither a registry nor files.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))
process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
let registry
try {
  await step('builds', () => void run(...pnpm('run', 'build')))

  await step('sizes', () => {
    const sizes = measureSizes(root, packages, folder)
    const over = sizes
      .filter(({ size, budget }) => size > budget)
      .map(({ what, size, budget }) => `${what}: ${size} of ${budget} bytes`)
    assert.deepEqual(over, [], 'over their budgets')
    const file = join(root, 'docs/sizes.md')
    if (process.argv.includes('--write')) writeFileSync(file, tableOf(sizes))
    const table = existsSync(file) ? readFileSync(file, 'utf8') : ''
    const stale = staleIn(table, sizes)
    assert.deepEqual(stale, [], 'docs/sizes.md is out of date: npm run rehearse -- --write')
    return sizes
      .filter(({ highlight }) => highlight)
      .map(({ what, size }) => `${what} ${(size / 1000).toFixed(1)} kB`)
      .join(', ')
  })

  registry = await startRegistry(folder, ['@tricks/*', 'create-trick'])
  const env = registry.environment
  await step('published by changesets', async () => {
    const repository = 'someone/tricks'
    const detail = run(process.execPath, [join(root, 'workshop/publish.mjs'), '--no-git-tag'], {
      env: { ...env, GITHUB_REPOSITORY: repository },
    })
    for (const { name, version, folder: place } of packages) {
      assert.ok(detail.includes(`${name}@${version}`), name)
      const manifest = await (await fetch(`${registry.url}${name.replace('/', '%2f')}`)).json()
      const { url, directory } = manifest.versions[version].repository
      assert.ok(url.endsWith(`/${repository}.git`), `${name}: ${url}`)
      assert.equal(join(root, directory), place)
    }
    return `${names.length} packages`
  })

  const tarballs = join(folder, 'tarballs')
  await step('publint and attw', () => {
    mkdirSync(tarballs)
    for (const { name, publishConfig } of packages) {
      const [{ filename }] = JSON.parse(
        run('npm', ['pack', name, '--json', '--pack-destination', tarballs], { env, cwd: folder }),
      )
      const tarball = join(tarballs, filename)
      run(tool('publint'), [tarball, '--strict'])
      const assets = Object.keys(publishConfig.exports).filter((path) => /\.(?!js)\w+$/.test(path))
      const exclude = assets.length > 0 ? ['--exclude-entrypoints', ...assets] : []
      run(tool('attw'), [tarball, '--profile', 'esm-only', '--no-emoji', ...exclude])
    }
  })

  const user = join(folder, 'user')
  const versions = { 'typescript-5.9': '~5.9', 'typescript-6': '^6', 'typescript-7': '^7' }
  await step('installed in a new project, without scripts', () => {
    cpSync(join(import.meta.dirname, 'user'), user, { recursive: true })
    writeFileSync(join(user, 'names.json'), JSON.stringify(names))
    writeFileSync(join(user, 'package.json'), '{ "private": true, "type": "module" }')
    const others = Object.entries(versions).map(
      ([alias, version]) => `${alias}@npm:typescript@${version}`,
    )
    const tfjs = ['@tensorflow/tfjs@4', '@tensorflow/tfjs-backend-wasm@4']
    const all = [...names, ...tfjs, 'vite@8', '@types/node@24', ...others]
    run('npm', ['install', '--ignore-scripts', '--no-package-lock', ...all], { cwd: user, env })
    for (const name of names)
      assert.ok(!existsSync(join(user, 'node_modules', name, 'src/index.test.ts')))
    // Only one copy of each: two would not recognise each other's tensors.
    assert.equal(
      globSync('node_modules/**/@tensorflow/tfjs-core/package.json', { cwd: user }).length,
      1,
    )
    assert.equal(globSync('node_modules/**/@tricks/core/package.json', { cwd: user }).length, 1)
  })

  for (const [kind, file] of [
    ['ESM', 'esm.mjs'],
    ['CommonJS, by require of ESM', 'commonjs.cjs'],
  ])
    await step(`used from ${kind}`, () => {
      run(process.execPath, [file], { cwd: user })
      const { used, asking } = read(join(user, 'done.json'))
      assert.deepEqual(new Set([...used, ...asking]), new Set(names))
      rmSync(join(user, 'done.json'))
      return `${used.length} run${asking.length > 0 ? `, ${asking.join(' and ')} reported what is needed` : ''}`
    })

  await step('the command line, on a folder of pictures', async () => {
    await makePictures(join(user, 'pictures'))
    const program = join(user, 'node_modules/.bin/tricks')
    const tricks = (...words) => run(program, words, { cwd: user })
    const small = ['--size', '16', '--backend', 'wasm']
    const training = ['train', 'pictures', '--from', 'scratch', '--epochs', '100', ...small]
    tricks(...training, '--out', 'whole')
    await killAtCheckpoint(program, [...training, '--save-every', '1', '--out', 'run'], user)
    assert.match(tricks('resume', 'run'), /resumed after \d+ steps?/)
    const weights = (name) => readFileSync(join(user, name, 'model/weights.bin'))
    assert.ok(weights('run').equals(weights('whole')), 'killed and resumed, the weights differ')
    assert.match(tricks('predict', 'run', 'pictures/red/1.jpg'), /red 9\d\.\d %/)
    tricks('export', 'run', '--out', 'exported')
    tricks('preview', 'cutout', 'pictures', '--size', '16', '--out', 'preview.png')
    tricks('report', 'run', '--out', 'page.html')
    tricks('ablate', 'pictures', '--seeds', '2', '--epochs', '1', '--out', 'ablation', ...small)
    for (const file of ['exported/model.json', 'preview.png', 'page.html', 'ablation/README.md'])
      assert.ok(existsSync(join(user, file)), file)
    return 'train, killed, resume, predict, export, preview, report, ablate'
  })

  for (const alias of Object.keys(versions))
    await step(`types, ${alias}`, () => {
      checkTypes(user, alias)
      return read(join(user, 'node_modules', alias, 'package.json')).version
    })

  await step('a page by Vite', async () => {
    run(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn'], {
      cwd: user,
    })
    return await visit(join(user, 'dist'))
  })

  await step('a bundle of one function of one trick', () => {
    const config = {
      build: {
        outDir: 'one',
        lib: { entry: 'one.ts', formats: ['es'], fileName: 'one' },
        minify: true,
        // It declares that importing it has side effects, so no bundler drops it.
        rollupOptions: { external: ['@tensorflow/tfjs-core'] },
      },
      logLevel: 'warn',
    }
    writeFileSync(join(user, 'one.config.mjs'), `export default ${JSON.stringify(config)}`)
    const vite = ['node_modules/vite/bin/vite.js', 'build', '--config', 'one.config.mjs']
    run(process.execPath, vite, { cwd: user })
    const [file] = readdirSync(join(user, 'one')).filter((name) => name.startsWith('one'))
    const bundle = join(user, 'one', file)
    const code = readFileSync(bundle, 'utf8')
    // Must contain neither the trick, nor the other function, nor the core.
    for (const other of ['learningRate', 'milestones', 'philox'])
      assert.ok(!code.includes(other), `${other} is in the bundle:\n${code.slice(0, 2000)}`)
    assert.ok(run(process.execPath, [bundle], { cwd: user }).startsWith('0.01'))
    return `${code.length} bytes`
  })

  const minutes = ((Date.now() - began) / 60_000).toFixed(1)
  console.log(
    failed.length === 0
      ? `Everything works; it took ${minutes} minutes.`
      : `Failed after ${minutes} minutes: ${failed.join(', ')}`,
  )
  if (failed.length > 0) console.log(`Log of the registry:\n${registry.log()}`)
  process.exitCode = failed.length === 0 ? 0 : 1
} finally {
  registry?.stop()
}

/** Creates a folder of JPEGs for each of two classes. */
async function makePictures(into) {
  for (const [name, background] of Object.entries({ red: '#dc1e1e', blue: '#1e1edc' })) {
    mkdirSync(join(into, name), { recursive: true })
    for (let i = 0; i < 40; i++)
      await sharp({ create: { width: 40 + i, height: 40, channels: 3, background } })
        .jpeg()
        .toFile(join(into, name, `${i}.jpg`))
  }
}

/** Starts a run and kills it once it has saved a checkpoint. */
async function killAtCheckpoint(program, words, cwd) {
  const child = spawn(program, words, { cwd, stdio: 'ignore' })
  const end = new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)))
  const saved = () => globSync('run/checkpoints/step-*.safetensors', { cwd }).length > 0
  while (!saved() && child.exitCode === null) await new Promise((wait) => setTimeout(wait, 5))
  child.kill('SIGKILL')
  assert.equal(await end, 'SIGKILL', 'the run ended before it was killed')
}

/** Type-checks a file that imports every package, including the libraries' own declarations. */
function checkTypes(user, alias) {
  const lines = names.map((name, i) => `import * as package${i} from '${name}'`)
  const use = `export const all: readonly object[] = [${names.map((_, i) => `package${i}`).join(', ')}]`
  writeFileSync(join(user, 'all.ts'), `${lines.join('\n')}\n\n${use}\n`)
  const options = {
    target: 'es2022',
    lib: ['es2023', 'dom', 'dom.iterable', 'esnext.disposable'],
    strict: true,
    noEmit: true,
    types: ['node'],
    skipLibCheck: false,
  }
  for (const [module, moduleResolution] of [
    ['esnext', 'bundler'],
    ['nodenext', 'nodenext'],
  ]) {
    const files = module === 'esnext' ? ['all.ts', 'page.ts', 'one.ts', 'assets.d.ts'] : ['all.ts']
    writeFileSync(
      join(user, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...options, module, moduleResolution }, files }),
    )
    const bin = join(
      user,
      'node_modules',
      alias,
      read(join(user, 'node_modules', alias, 'package.json')).bin.tsc,
    )
    const { stdout } = spawnSync(process.execPath, [bin, '--pretty', 'false'], {
      cwd: user,
      encoding: 'utf8',
    })
    // Wrong declarations of TensorFlow.js and others are not ours to fix.
    const ours = stdout
      .split('\n')
      .filter(
        (line) =>
          /error TS/.test(line) &&
          (!line.startsWith('node_modules/') ||
            /^node_modules\/(@tricks|create-trick)\//.test(line)),
      )
    assert.deepEqual(ours, [], `${alias}, ${moduleResolution}`)
  }
}

/** Opens a built page in Chromium and waits for its result. */
async function visit(dist) {
  const chromium = process.env.CHROME_BIN ?? '/usr/bin/chromium'
  if (!existsSync(chromium)) return 'built; not opened, as there is no Chromium (set CHROME_BIN)'
  const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }
  const server = createServer((request, response) => {
    const path = join(dist, request.url === '/' ? 'index.html' : request.url.split('?')[0])
    if (!path.startsWith(dist) || !existsSync(path)) return response.writeHead(404).end()
    response.setHeader('content-type', types[extname(path)] ?? 'application/octet-stream')
    return response.end(readFileSync(path))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { chromium: browserType } = await import('playwright')
  const browser = await browserType.launch({ executablePath: chromium, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${server.address().port}/`)
    await page.waitForFunction(() => document.title !== 'loading', undefined, { timeout: 300_000 })
    const title = await page.title()
    assert.match(title, /^trained on wasm/)
    return title
  } finally {
    await browser.close()
    server.close()
  }
}
