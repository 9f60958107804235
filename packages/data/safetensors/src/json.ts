const limits = { size: 64 * 2 ** 20, depth: 64 }

/**
 * Parses JSON from an untrusted file: rejects text longer than 64 MiB or nested deeper than 64 before traversing it.
 *
 * @throws Error with the reason if the text is invalid
 * @example
 * parseJson('{ "seed": 1 }') // { seed: 1 }
 */
export function parseJson(text: string): unknown {
  if (text.length > limits.size) throw new Error(`it is longer than ${limits.size} characters`)
  let depth = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (quoted) {
      if (character === '\\') i++
      else if (character === '"') quoted = false
    } else if (character === '"') quoted = true
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (depth > limits.depth) throw new Error(`it is nested deeper than ${limits.depth}`)
  }
  return JSON.parse(text) as unknown
}
