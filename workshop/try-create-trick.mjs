#!/usr/bin/env node
// Goes the way of somebody who writes a trick elsewhere: the packages as they would be published, in a
// fresh folder, a new trick, its failing test, its numbers, its tarball. Needs the npm registry.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const repository = join(import.meta.dirname, '..')
const read = (path) => JSON.parse(readFileSync(path, 'utf8'))
const { packageManager } = read(join(repository, 'package.json'))
const folder = mkdtempSync(join(tmpdir(), 'create-trick-'))
const run = (cwd, command, ...args) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
const pnpm = (cwd, ...args) => run(cwd, 'npx', '--yes', packageManager, ...args)

try {
  const folders = ['core', 'tools/conformance', 'tools/create-trick']
  pnpm(repository, ...folders.flatMap((each) => ['--filter', `./packages/${each}`]), 'run', 'build')
  for (const each of folders)
    pnpm(join(repository, 'packages', each), 'pack', '--pack-destination', folder)
  const tarball = (name) =>
    join(
      folder,
      readdirSync(folder).find((file) => file.startsWith(name) && file.endsWith('.tgz')),
    )

  const quiet = ['--silent', '--no-audit', '--no-fund']
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  run(folder, 'npm', 'install', ...quiet, tarball('create-trick'))
  const flags = ['--stage', 'augment', '--paper', 'https://arxiv.org/abs/1708.04552']
  run(folder, 'npx', 'create-trick', 'my-idea', ...flags)

  const trick = join(folder, 'my-idea')
  const manifest = read(join(trick, 'package.json'))
  // The versions fit what was packed, which stands in for the registry's.
  for (const name of ['core', 'conformance']) {
    const wanted = manifest.devDependencies[`@tricks/${name}`]
    assert.match(wanted, /^\^\d+\.\d+\.\d+$/)
    assert.ok(existsSync(join(folder, `tricks-${name}-${wanted.slice(1)}.tgz`)), name)
    manifest.devDependencies[`@tricks/${name}`] = `file:${tarball(`tricks-${name}`)}`
  }
  writeFileSync(join(trick, 'package.json'), JSON.stringify(manifest))
  run(trick, 'npm', 'install', ...quiet)

  const first = spawnSync('npm', ['test'], { cwd: trick, encoding: 'utf8' })
  assert.equal(first.status, 1)
  assert.match(first.stdout + first.stderr, /my-idea: three steps to go\. 1: write the reference/)

  const images = { shape: [1, 1, 1, 1], dtype: 'float32' }
  const example = {
    inputs: { images: { ...images, data: [0.5] } },
    params: { strengths: [0.5] },
    expected: { images: { ...images, data: [0.25] } },
  }
  const table = join(trick, 'test/fixtures/my-idea.json')
  writeFileSync(table, JSON.stringify({ cases: [example] }))
  run(trick, 'npm', 'test')
  run(trick, 'npm', 'pack', ...quiet)
  console.log(`create-trick works as published, on Node ${process.versions.node}`)
} finally {
  rmSync(folder, { recursive: true })
}
