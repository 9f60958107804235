/** Address of an experiment on a server: `redis://host:6379?experiment=name`. */
export interface Address {
  readonly backend: 'redis' | 'postgres'
  /** URL for the server's client, without our own parameters. */
  readonly url: string
  readonly experiment: string
  /** For messages, without the password. */
  readonly name: string
}

/**
 * Parses the address of an experiment.
 *
 * @returns undefined for a folder
 * @throws Error if it names another kind of server
 * @example
 * const experiment = addressOf('redis://localhost:6379?experiment=flowers')?.experiment // 'flowers'
 */
export function addressOf(text: string): Address | undefined {
  const [, scheme] = /^([a-z]+):\/\//.exec(text) ?? []
  if (scheme === undefined) return undefined
  const backend = /^rediss?$/.test(scheme)
    ? 'redis'
    : /^postgres(?:ql)?$/.test(scheme)
      ? 'postgres'
      : undefined
  if (backend === undefined || !URL.canParse(text))
    throw new Error(
      `trials: expected the queue to be a folder, redis://… or postgres://…, got ${text.replace(/:[^:@/]*@/, ':…@')}`,
    )
  const url = new URL(text)
  const experiment = url.searchParams.get('experiment') ?? 'trials'
  if (!/^[\w.-]{1,60}$/.test(experiment))
    throw new Error(
      `trials: expected experiment to be up to 60 letters, digits, '-', '_' and '.', got ${experiment}`,
    )
  url.searchParams.delete('experiment')
  const shown = new URL(text)
  if (shown.password !== '') shown.password = '…'
  return { backend, url: url.href, experiment, name: decodeURI(shown.href) }
}
