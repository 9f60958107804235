/** Formats a Markdown table with a header row, aligned like the formatter does. */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = escaped[0]!.map((_, i) => Math.max(...escaped.map((row) => row[i]!.length)))
  const lines = escaped.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)))
  lines.splice(
    1,
    0,
    widths.map((width) => '-'.repeat(width)),
  )
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Replaces the content between the marks `<!-- NAME -->` and `<!-- /NAME -->`. */
export const between = (name: string, text: string, content: string): string =>
  text.replace(
    new RegExp(`<!-- ${name} -->[^]*<!-- /${name} -->`),
    () => `<!-- ${name} -->\n\n${content}\n\n<!-- /${name} -->`,
  )
