/** Markup. */
export interface Html {
  readonly html: string
}

type Part = Html | string | number | undefined | false | readonly Part[]

/**
 * An HTML template that escapes values, except for markup.
 *
 * @example
 * html`<p>${'a < b'}</p>`.html // '<p>a &lt; b</p>'
 */
export function html(texts: TemplateStringsArray, ...parts: Part[]): Html {
  return { html: texts.map((text, i) => text + (i < parts.length ? show(parts[i]) : '')).join('') }
}

/** Marks text as markup, such as a chart's SVG. */
export const raw = (text: string): Html => ({ html: text })

function show(part: Part): string {
  if (part === undefined || part === false) return ''
  if (Array.isArray(part)) return part.map(show).join('')
  if (typeof part === 'object') return (part as Html).html
  return escape(String(part))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
/** Escapes text for HTML or SVG. */
export const escape = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (sign) => entities[sign]!)
