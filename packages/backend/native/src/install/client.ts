import { type Client, pipSettings } from '@tricks/wheels'
import { commandLine } from '../installation.ts'

export const client = (): Client => ({
  name: 'native',
  pip: pipSettings(),
  command: commandLine(),
  advice: `a wheel downloaded elsewhere: ${commandLine('install --from FILE.whl')}`,
})
