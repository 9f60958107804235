import { type Client, pipSettings } from '@tricks/wheels'

export const client = (): Client => ({
  name: 'native',
  pip: pipSettings(),
  command: 'npx @tricks/native install',
  advice: 'a wheel fetched elsewhere: npx @tricks/native install --from FILE.whl',
})
