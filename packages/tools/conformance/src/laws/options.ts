import { type Law, law, messageOf } from '../law.ts'

const form = /^\S+: expected \S+ to be .+, got /s

/** Invalid options are reported when the trick is created, not an hour into the run. */
export const options: Law = law(
  8,
  'invalid options throw an error with option, value and range',
  ({ name, options: { invalid = [] } }) => {
    for (const make of invalid) {
      const call = sourceOf(make)
      const mend = `Declare it, as in defineOptions('${name}', { length: integer({ min: 1 }) }), and parse the factory's argument`
      let message: string | undefined
      try {
        make()
      } catch (error) {
        message = messageOf(error)
      }
      if (message === undefined) throw new Error(`${call} is accepted. ${mend}`)
      if (!form.test(message))
        throw new Error(
          `${call} throws '${message}', expected '${name}: expected OPTION to be RANGE, got VALUE'. ${mend}`,
        )
    }
  },
  ({ options: { invalid = [] } }) => invalid.length > 0,
)

/** The source of a call, without a test runner's rewriting of imported names. */
const sourceOf = (make: () => unknown): string =>
  String(make)
    .replace(/^\(\)\s*=>\s*/, '')
    .replaceAll(/\(0,\s*__\w+__\.(\w+)\)/g, '$1')
    .replaceAll(/__\w+__\./g, '')
    .replaceAll(/\s+/g, ' ')
