// A local registry: published packages stay in its folder, everything else comes from the registry
// that npm is set up for.
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

const setting = (name) => {
  const value = execFileSync('npm', ['config', 'get', name], { encoding: 'utf8' }).trim()
  return value === 'undefined' || value === 'null' ? undefined : value
}

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

/**
 * Starts the registry.
 *
 * @param folder an empty folder for its files
 * @param names packages that are published only to it
 * @returns its URL, the environment that makes npm, pnpm and changesets use it, and functions to stop it and read its
 *   log
 */
export async function startRegistry(folder, names) {
  const port = await freePort()
  const url = `http://localhost:${port}/`
  const own = { access: '$all', publish: '$all' }
  const authorities = setting('cafile')
  const config = {
    storage: join(folder, 'storage'),
    auth: { htpasswd: { file: join(folder, 'users') } },
    uplinks: {
      upstream: {
        url: setting('registry'),
        // The certificates themselves: given a path, verdaccio would trust no others.
        ca: authorities && readFileSync(authorities, 'utf8'),
        https_proxy: setting('https-proxy'),
        http_proxy: setting('proxy'),
        maxage: '1h',
        timeout: '60s',
      },
    },
    packages: {
      ...Object.fromEntries(names.map((name) => [name, own])),
      '**': { access: '$all', proxy: 'upstream' },
    },
    max_body_size: '200mb',
    log: { type: 'stdout', format: 'json', level: 'warn' },
  }
  const path = join(folder, 'config.yaml')
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(config, undefined, 2))
  const program = join(import.meta.dirname, '../node_modules/verdaccio/bin/verdaccio')
  const server = spawn(
    process.execPath,
    [program, '--config', path, '--listen', `localhost:${port}`],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let log = ''
  server.stdout.on('data', (data) => (log = `${log}${data}`.slice(-4000)))
  const stop = () => server.kill()
  process.once('exit', stop)

  for (let tries = 0; ; tries++) {
    const up = await fetch(`${url}-/ping`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (up) break
    if (server.exitCode !== null || tries === 300)
      throw new Error(`the registry does not start:\n${log}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }

  const user = join(folder, 'npmrc')
  writeFileSync(
    user,
    [
      `registry=${url}`,
      `//localhost:${port}/:_authToken=anyone`,
      'fund=false',
      'audit=false',
      '',
    ].join('\n'),
  )
  // In a workflow with an identity token, npm would publish attestations for this registry's packages.
  const {
    ACTIONS_ID_TOKEN_REQUEST_URL: _url,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: _token,
    ...inherited
  } = process.env
  const environment = {
    ...inherited,
    NPM_CONFIG_USERCONFIG: user,
    npm_config_userconfig: user,
    npm_config_registry: url,
    npm_config_cache: join(folder, 'cache'),
  }
  return { url, environment, stop, log: () => log }
}
