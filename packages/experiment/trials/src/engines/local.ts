import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import {
  type Entry,
  limits,
  lostTooOften,
  ownName,
  type Queue,
  type QueueOptions,
  type State,
} from '../queue.ts'
import type { Outcome, Trial } from '../trial.ts'

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS trial (
    id TEXT PRIMARY KEY,
    trial TEXT NOT NULL,
    worker TEXT,
    token TEXT,
    lease INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    progress REAL,
    outcome TEXT,
    error TEXT,
    failed INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`

interface Row {
  readonly trial: string
  readonly state: State
  readonly worker: string | null
  readonly attempts: number
  readonly progress: number | null
  readonly outcome: string | null
  readonly error: string | null
}

const stateOfRow = `CASE WHEN outcome IS NOT NULL THEN 'finished' WHEN failed THEN 'failed'
  WHEN token IS NOT NULL AND lease >= ? THEN 'running' ELSE 'waiting' END`

/**
 * The engine for one machine: a SQLite file in the experiment's folder, which any number of processes may use at once.
 *
 * @throws Error if the folder can't be written, or Node is older than 22.13
 */
export async function openLocal(folder: string, options: QueueOptions = {}): Promise<Queue> {
  const { lease: seconds = 10, worker = ownName() } = options
  const lease = Math.round(seconds * 1000)
  const db = await openDatabase(folder)
  const put = db.prepare('INSERT OR IGNORE INTO trial (id, trial) VALUES (?, ?)')
  const bury = db.prepare(
    `UPDATE trial SET failed = 1, token = NULL, error = ? WHERE token IS NOT NULL AND lease < ? AND lost + 1 >= ?`,
  )
  const take = db.prepare(`
    UPDATE trial
    SET lost = lost + (token IS NOT NULL), worker = ?, token = ?, lease = ?, attempts = attempts + 1, progress = NULL
    WHERE id = (
      SELECT id FROM trial WHERE outcome IS NULL AND NOT failed AND lease < ?
        AND NOT EXISTS (SELECT 1 FROM note WHERE name = 'paused' AND value = 'true')
      ORDER BY rowid LIMIT 1
    )
    RETURNING trial, attempts`)
  const prolong = db.prepare(
    'UPDATE trial SET lease = ?, progress = coalesce(?, progress) WHERE id = ? AND token = ?',
  )
  const succeed = db.prepare(
    'UPDATE trial SET outcome = ?, progress = 1, error = NULL, token = NULL WHERE id = ? AND token = ?',
  )
  const fail = db.prepare(`
    UPDATE trial SET failures = failures + 1, failed = failures + 1 >= ?, error = ?, lease = 0, token = NULL
    WHERE id = ? AND token = ?`)
  const giveBack = db.prepare('UPDATE trial SET lease = 0, token = NULL WHERE id = ? AND token = ?')
  const again = db.prepare(
    'UPDATE trial SET failed = 0, failures = 0, lost = 0, lease = 0 WHERE failed',
  )
  const all = db.prepare(`SELECT *, ${stateOfRow} AS state FROM trial ORDER BY rowid`)
  const count = db.prepare(`SELECT ${stateOfRow} AS state, count(*) AS n FROM trial GROUP BY 1`)
  const read = db.prepare('SELECT value FROM note WHERE name = ?')
  const keep = db.prepare('INSERT OR IGNORE INTO note (name, value) VALUES (?, ?)')
  const replace = db.prepare('INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)')
  const noted = (name: string): string | undefined =>
    (read.get(name) as { readonly value: string } | undefined)?.value
  return {
    name: folder,
    lease,
    async add(trials) {
      db.exec('BEGIN IMMEDIATE')
      try {
        for (const trial of trials) put.run(trial.id, JSON.stringify(trial))
        db.exec('COMMIT')
      } catch (error) {
        db.exec('ROLLBACK')
        throw error
      }
    },
    async claim() {
      const [now, token] = [Date.now(), randomUUID()]
      bury.run(lostTooOften, now, limits.lost)
      const row = take.get(worker, token, now + lease, now) as
        | { readonly trial: string; readonly attempts: number }
        | undefined
      return row && { trial: JSON.parse(row.trial) as Trial, attempt: row.attempts, token }
    },
    renew: async ({ trial, token }, progress) =>
      prolong.run(Date.now() + lease, progress ?? null, trial.id, token).changes === 1,
    async finish({ trial: { id }, token }, ending) {
      const { changes } =
        ending === 'given back'
          ? giveBack.run(id, token)
          : 'error' in ending
            ? fail.run(limits.failures, ending.error, id, token)
            : succeed.run(JSON.stringify(ending.outcome), id, token)
      return changes === 1
    },
    list: async () => (all.all(Date.now()) as unknown as Row[]).map(entryOf),
    async counts() {
      const found = count.all(Date.now()) as { readonly state: State; readonly n: number }[]
      const none = { waiting: 0, running: 0, finished: 0, failed: 0 }
      return { ...none, ...Object.fromEntries(found.map((each) => [each.state, each.n])) }
    },
    pause: async (paused) => void replace.run('paused', String(paused)),
    paused: async () => noted('paused') === 'true',
    retry: async () => Number(again.run().changes),
    async note(name, value) {
      if (value !== undefined) keep.run(`of the experiment: ${name}`, value)
      return noted(`of the experiment: ${name}`)
    },
    close: async () => db.close(),
  }
}

const entryOf = ({ trial, state, worker, attempts, progress, outcome, error }: Row): Entry => ({
  trial: JSON.parse(trial) as Trial,
  state,
  attempts,
  ...(worker !== null && { worker }),
  ...(progress !== null && { progress }),
  ...(outcome !== null && { outcome: JSON.parse(outcome) as Outcome }),
  ...(error !== null && { error }),
})

async function openDatabase(folder: string): Promise<DatabaseSync> {
  let sqlite: typeof import('node:sqlite')
  try {
    sqlite = await import('node:sqlite')
  } catch (error) {
    throw new Error(
      `trials: expected Node 22.13 or later, which includes SQLite, got ${process.version}`,
      { cause: error },
    )
  }
  const file = join(folder, 'trials.sqlite')
  try {
    mkdirSync(folder, { recursive: true })
    const db = new sqlite.DatabaseSync(file, { timeout: 10_000 })
    db.exec(schema)
    return db
  } catch (error) {
    throw new Error(`trials: can't open ${file}: ${(error as Error).message}`, { cause: error })
  }
}
