import { type Client, pipSettings } from '@tricks/wheels'

export const client = (): Client => ({
  name: 'native',
  pip: pipSettings(),
  command: 'npx @tricks/native install',
  advice: 'a wheel downloaded elsewhere: npx @tricks/native install --from FILE.whl',
})
