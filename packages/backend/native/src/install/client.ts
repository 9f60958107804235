import { type Client, pipSettings } from '@tricks/wheels'
import { installCommand } from '../installation.ts'

export const client = (): Client => ({
  name: 'native',
  pip: pipSettings(),
  command: installCommand(),
  advice: `a wheel downloaded elsewhere: ${installCommand('--from FILE.whl')}`,
})
