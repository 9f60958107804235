import { html, type Html } from '../html.ts'
import { style } from './style.ts'

/** Creates a self-contained page; its content security policy forbids all requests. */
export function document(title: string, body: Html): string {
  const policy =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <style>
          ${{ html: style }}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `
  return page.html
}

export const section = (
  id: string,
  title: string,
  note: Html | string | undefined,
  body: Html,
): Html =>
  html`<section id="${id}">
    <h2>${title}</h2>
    ${note === undefined ? undefined : html`<p>${note}</p>`}${body}
  </section> `

export const absent = (why: string): Html => html`<p class="absent body">${why}</p>`

export const notice = (kind: 'bad' | 'going' | '', text: string): Html =>
  html`<p class="notice ${kind}">${text}</p>`

export const stateMark = ({ word, kind }: State): Html =>
  html`<span class="state ${kind}">${word}</span>`

/** The state of a run, in a few words. */
export interface State {
  readonly word: string
  readonly kind: 'good' | 'bad' | 'going' | 'odd'
}
