/**
 * Formats a number with its sign, for an augmentation's `describe`; zero has none.
 *
 * @param digits after the decimal point, default 0
 * @example
 * signed(0.05, 2) // '+0.05'
 * signed(-2.4) // '−2'
 */
export function signed(value: number, digits = 0): string {
  const text = value.toFixed(digits)
  if (Number(text) === 0) return text.replace('-', '')
  return value > 0 ? `+${text}` : text.replace('-', '−')
}
