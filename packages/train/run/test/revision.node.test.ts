import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { revisionOf } from '../src/revision.ts'

const root = mkdtempSync(join(tmpdir(), 'revision-'))
afterAll(() => rmSync(root, { recursive: true }))

test("returns the folder's revision, marks modified files, and is undefined outside a repository", () => {
  const folder = join(root, 'repository')
  mkdirSync(folder)
  expect(revisionOf(folder)).toBeUndefined()
  const git = (...args: string[]): void => {
    const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
    const { status, stderr } = spawnSync('git', ['-C', folder, ...who, ...args], {
      encoding: 'utf8',
    })
    expect(status, stderr).toBe(0)
  }
  git('init', '--quiet')
  expect(revisionOf(folder)).toBeUndefined()
  writeFileSync(join(folder, 'a'), '1')
  git('add', 'a')
  git('commit', '--quiet', '-m', 'a')
  expect(revisionOf(folder)).toMatch(/^[0-9a-f]{40}$/)
  writeFileSync(join(folder, 'a'), '2')
  expect(revisionOf(folder)).toMatch(/^[0-9a-f]{40}-dirty$/)
})
