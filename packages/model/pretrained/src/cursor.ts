/** Reads numbers and text one after the other, little-endian, and never past the end. */
export class Cursor {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
  }

  get ended(): boolean {
    return this.at >= this.bytes.length
  }

  /** @throws Error if fewer bytes are left */
  take(count: number): Uint8Array {
    return this.bytes.subarray(this.skip(count), this.at)
  }

  uint8(): number {
    return this.view.getUint8(this.skip(1))
  }

  uint16(): number {
    return this.view.getUint16(this.skip(2), true)
  }

  uint32(): number {
    return this.view.getUint32(this.skip(4), true)
  }

  int32(): number {
    return this.view.getInt32(this.skip(4), true)
  }

  /** @throws Error if it is negative or not a safe integer */
  count64(): number {
    const count = this.view.getBigUint64(this.skip(8), true)
    if (count > Number.MAX_SAFE_INTEGER) throw new Error(`expected a count, got ${count}`)
    return Number(count)
  }

  /** Big-endian, as in pickles. */
  float64(): number {
    return this.view.getFloat64(this.skip(8))
  }

  text(length: number, encoding: 'utf-8' | 'latin1' = 'utf-8'): string {
    return new TextDecoder(encoding).decode(this.take(length))
  }

  line(): string {
    const end = this.bytes.indexOf(10, this.at)
    if (end < 0) throw new Error('it ends within a line')
    const text = this.text(end - this.at)
    this.at++
    return text
  }

  private skip(count: number): number {
    const from = this.at
    if (!(count >= 0 && from + count <= this.bytes.length))
      throw new Error(`it ends at byte ${this.bytes.length}, but more were announced`)
    this.at += count
    return from
  }
}
